import Policy
import TestKit
import Testing

/// Policies made up at random.
struct PolicyPropertyTests {
    @Test func `A decision is that of another evaluation, whatever the spelling`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let model = PolicyModel.random(&random)
            let text = model.file(&random)
            let policy = try Policy([PolicyFile(text: text, path: "random")])
            for _ in 0..<10 {
                let caller = PolicyModel.caller(&random)
                let target = PolicyTarget(projectID: caller.target)
                let name = random.pick(model.rules.keys.sorted() + PolicyModel.undefined)
                let admits = policy.admits(caller.credentials, to: target, by: name)
                #expect(admits == model.admits(caller, by: name), "seed \(seed): \(name) of \(text)\nfor \(caller)")
                let decision = policy.decision(on: caller.credentials, to: target, by: name)
                #expect(decision.isAdmitted == admits && decision.steps.first?.holds == admits, "seed \(seed): \(text)")
            }
        }
    }

    @Test func `What is read is printed, and read as the same`() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<5000 {
            let check = Self.check(&random, depth: 5)
            #expect(try PolicyCheck(text: check.description) == check, "seed \(seed): \(check)")
        }
    }

    private static func check(_ random: inout SeededGenerator, depth: Int) -> PolicyCheck {
        func some(_ random: inout SeededGenerator) -> [PolicyCheck] {
            (0..<Int.random(in: 2...4, using: &random)).map { _ in Self.check(&random, depth: depth - 1) }
        }
        return switch Int.random(in: depth > 0 ? 0..<9 : 3..<9, using: &random) {
        case 0: .not(Self.check(&random, depth: depth - 1))
        case 1: .all(some(&random))
        case 2: .any(some(&random))
        case 3: .allow
        case 4: .deny
        case 5: .role(Self.text(&random))
        case 6: .rule(random.pick(["a", "queues:get_all", "%", "not", "'"]))
        case 7: .credential(random.pick(PolicyCredentials.Attribute.allCases), Self.text(&random))
        default: .literal(random.pick(["", "a", "it's", "\"", ":", "%", "(", "ß", "True"]), Self.text(&random))
        }
    }

    private static func text(_ random: inout SeededGenerator) -> CheckText {
        var parts: [CheckText.Part] = []
        // Texts side by side would be read as one.
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            if random.chance(0.4) { parts.append(.text(random.pick(["a", "50%", "%%", "and", "ä-1", "@", ":"]))) }
            parts.append(.target(.projectID))
        }
        return CheckText(random.chance(0.5) ? [.text("v")] : parts)
    }
}
