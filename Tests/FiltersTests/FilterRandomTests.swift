import Filters
import TestKit
import Testing

/// Random policies and bodies, held against each other by two evaluators that have nothing in common.
struct FilterRandomTests {
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `Decisions are those of an evaluator over a tree`(seed: UInt64) throws {
        var maker = FilterCaseMaker(generator: SeededGenerator(seed: seed))
        var taken = 0
        var matching = 0
        for _ in 0..<1_000 {
            let text = maker.policy()
            guard let policy = try? FilterPolicy(text) else { continue }  // beyond a bound, or a key twice
            let keys = try FilterTree(Array(text.utf8))
            taken += 1
            for _ in 0..<8 {
                let body = maker.body()
                let bytes = Array(body.utf8)
                let decision = policy.decision(on: bytes.span)
                let expected = SlowFilter.matches(keys, try FilterTree(bytes))
                #expect(decision.isMatch == expected, "seed \(seed): \(text) and \(body)")
                if decision.isMatch { matching += 1 }
            }
        }
        // Enough of both kinds to say something.
        #expect(taken > 400)
        #expect(matching > taken / 2 && matching < 7 * taken, "\(matching) of \(taken) times 8")
    }
}

/// Makes policies and bodies out of few names and values, so that they meet.
struct FilterCaseMaker {
    private var generator: SeededGenerator

    private static let names = ["a", "b", "a~/", "$or"]
    private static let texts = ["", "x", "xy", "yx", "XY", "xyx", "é", "É", "😀", "\u{212A}", "1", "x\"\\\n"]
    private static let numbers = ["0", "1", "-1", "1.5", "2", "0.00001", "1000000000", "-999999999.99999"]
    private static let spellings = [
        "0", "-0", "0.0", "1", "1.0", "1e0", "10e-1", "-1", "-1.0e0", "1.5", "15e-1", "2", "0.2e1", "0.00001", "1e-5",
        "0.000001",
        "1.000001", "1e9", "1000000000.5", "-1e12", "-999999999.99999", "-999999999.999999", "9223372036854775807",
    ]

    init(generator: SeededGenerator) {
        self.generator = generator
    }

    // MARK: - Policies

    mutating func policy() -> String { self.keys(level: 1, ors: 0) }

    private mutating func keys(level: Int, ors: Int) -> String {
        var names = Self.names.filter { $0 != "$or" }
        names.shuffle(using: &self.generator)
        var members = names.prefix(Int.random(in: 1...(level == 1 ? 3 : 2), using: &self.generator)).map { name in
            "\(self.string(name)): "
                + (level < 4 && self.generator.chance(0.35) ? self.keys(level: level + 1, ors: ors) : self.conditions())
        }
        if ors < 2, self.generator.chance(0.35) {
            let alternatives = (0..<Int.random(in: 1...3, using: &self.generator)).map { _ in
                self.keys(level: level, ors: ors + 1)
            }
            members.append("\"$or\": [\(alternatives.joined(separator: ", "))]")
        } else if self.generator.chance(0.05) {
            members.append("\"$or\": \(self.conditions())")
        }
        return "{\(members.shuffled(using: &self.generator).joined(separator: ", "))}"
    }

    private mutating func conditions() -> String {
        "[\((0..<Int.random(in: 1...3, using: &self.generator)).map { _ in self.condition() }.joined(separator: ", "))]"
    }

    private mutating func condition() -> String {
        let text = self.string(self.generator.pick(Array(Self.texts.dropFirst())))
        let pattern = self.string(self.generator.pick(["*", "x*", "*y", "x*x", "*x*", "*y*x*", "xy"]))
        let number = self.generator.pick(Self.numbers)
        switch Int.random(in: 0..<16, using: &self.generator) {
        case 0, 1: return self.string(self.generator.pick(Self.texts))
        case 2, 3: return number
        case 4: return self.generator.pick(["true", "false", "null"])
        case 5: return "{\"prefix\": \(text)}"
        case 6: return "{\"suffix\": \(text)}"
        case 7: return "{\"equals-ignore-case\": \(text)}"
        case 8: return "{\"wildcard\": \(pattern)}"
        case 9: return "{\"numeric\": [\"\(self.generator.pick(["=", "<", "<=", ">", ">="]))\", \(number)]}"
        case 10:
            return
                "{\"numeric\": [\"\(self.generator.pick([">", ">="]))\", -1, \"\(self.generator.pick(["<", "<="]))\", 1.5]}"
        case 11: return "{\"exists\": \(Bool.random(using: &self.generator))}"
        case 12: return "{\"exists\": false}"
        case 13: return "{\"anything-but\": [\(text), \(self.string(self.generator.pick(Self.texts)))]}"
        case 14: return "{\"anything-but\": \(Bool.random(using: &self.generator) ? number : "[\(number), 2]")}"
        default:
            return
                "{\"anything-but\": {\(self.generator.pick(["\"prefix\": \(text)", "\"suffix\": \(text)", "\"wildcard\": \(pattern)"]))}}"
        }
    }

    // MARK: - Bodies

    mutating func body() -> String {
        self.generator.chance(0.03) ? self.value(level: 0) : self.object(level: 0)
    }

    private mutating func object(level: Int) -> String {
        let members = (0..<Int.random(in: 0...(level == 0 ? 7 : 4), using: &self.generator)).map { _ in
            self.string(self.generator.pick(Self.names + ["z"])) + self.blank() + ":" + self.blank()
                + self.value(level: level + 1)
        }
        return "{" + members.joined(separator: self.blank() + "," + self.blank()) + self.blank() + "}"
    }

    private mutating func value(level: Int) -> String {
        switch Int.random(in: 0..<(level > 4 ? 6 : 10), using: &self.generator) {
        case 0, 1: return self.string(self.generator.pick(Self.texts))
        case 2, 3: return self.generator.pick(Self.spellings)
        case 4: return self.generator.pick(["true", "false", "null"])
        case 5: return "[]"
        case 6:
            let objects = (0..<Int.random(in: 1...3, using: &self.generator)).map { _ in self.object(level: level + 1) }
            return "[" + objects.joined(separator: ", ") + "]"
        case 7:
            let elements = (0..<Int.random(in: 0...3, using: &self.generator)).map { _ in self.value(level: level + 1) }
            return "[" + elements.joined(separator: self.blank() + ",") + self.blank() + "]"
        default: return self.object(level: level)
        }
    }

    private mutating func blank() -> String { self.generator.pick(["", "", "", " ", "\n\t"]) }

    /// A string in one of its spellings.
    private mutating func string(_ text: String) -> String {
        var string = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" || scalar.value < 0x20 || self.generator.chance(0.1) {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16, uppercase: Bool.random(using: &self.generator))
                    string += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            } else {
                string.unicodeScalars.append(scalar)
            }
        }
        return string + "\""
    }
}
