import Policy
import TestKit

/// A policy made up at random, with a spelling and a meaning of its own: nothing here uses the parser or the evaluation.
struct PolicyModel {
    indirect enum Check {
        case constant(Bool, text: String)
        case role(String)
        case credential(String, String)
        case credentialIsProject(String)
        case literal(String, String)
        case literalIsProject(String)
        case rule(String)
        case not(Check)
        case and([Check])
        case or([Check])
        /// `[[a, b], c]`
        case list([[Check]])
    }

    struct Caller {
        var roles: [String]
        var values: [String: String]
        var target: String
    }

    /// Names that files may give rules to; each refers to later ones only, so there are no circles.
    static let names = ["queues:create", "queues:get", "queues:delete", "messages:get", "claims:get", "default"]
    static let undefined = ["nowhere", "elsewhere"]

    private static let roles = ["admin", "Reader", "member", "ops:eu"]
    private static let values = ["p1", "p2", "u1", "None", "True", "all"]
    private static let attributes = ["user_id", "project_id", "system_scope", "domain_id", "client_id"]

    var rules: [String: Check] = [:]
    var isAdmin = Check.role("admin")

    static func random(_ random: inout SeededGenerator) -> PolicyModel {
        var model = PolicyModel()
        for (index, name) in Self.names.enumerated() where name != "default" || random.chance(0.7) {
            let later = name == "default" ? [] : Array(Self.names[(index + 1)...].dropLast()) + Self.undefined
            if random.chance(0.1) {
                model.rules[name] = Self.list(&random, later)
            } else {
                model.rules[name] = Self.check(&random, depth: 4, later)
            }
        }
        // What decides `is_admin` cannot ask for it.
        model.isAdmin = random.pick([.role("admin"), .or([.role("ops:eu"), .credential("system_scope", "all")])])
        return model
    }

    static func caller(_ random: inout SeededGenerator) -> Caller {
        var values: [String: String] = [:]
        for attribute in Self.attributes where random.chance(0.7) { values[attribute] = random.pick(Self.values) }
        return Caller(
            roles: Self.roles.filter { _ in random.chance(0.4) }, values: values, target: random.pick(Self.values))
    }

    private static func list(_ random: inout SeededGenerator, _ later: [String]) -> Check {
        .list(
            (0..<Int.random(in: 0...3, using: &random)).map { _ in
                (0..<Int.random(in: 1...3, using: &random)).map { _ in Self.leaf(&random, later) }
            })
    }

    private static func check(_ random: inout SeededGenerator, depth: Int, _ later: [String]) -> Check {
        guard depth > 0, random.chance(0.7) else { return Self.leaf(&random, later) }
        func some(_ random: inout SeededGenerator) -> [Check] {
            (0..<Int.random(in: 2...4, using: &random)).map { _ in Self.check(&random, depth: depth - 1, later) }
        }
        return switch Int.random(in: 0..<3, using: &random) {
        case 0: .not(Self.check(&random, depth: depth - 1, later))
        case 1: .and(some(&random))
        default: .or(some(&random))
        }
    }

    private static func leaf(_ random: inout SeededGenerator, _ later: [String]) -> Check {
        switch Int.random(in: 0..<9, using: &random) {
        case 0: .constant(true, text: "@")
        case 1: .constant(false, text: "!")
        case 2: .role(random.pick(Self.roles + ["ADMIN", "Ops:EU", "nothing"]))
        case 3: .credential(random.pick(Self.attributes), random.pick(Self.values))
        case 4: .credentialIsProject(random.pick(Self.attributes))
        case 5: .literal(random.pick(Self.values), random.pick(Self.values))
        case 6: .literalIsProject(random.pick(Self.values))
        case 7: .credential("is_admin", random.pick(["True", "False"]))
        default: later.isEmpty ? .role("member") : .rule(random.pick(later))
        }
    }

    // MARK: - Spelling

    /// The rules as a JSON object, which is YAML too.
    func file(_ random: inout SeededGenerator) -> String {
        var members = ["\"context_is_admin\": \(Self.value(self.isAdmin, &random))"]
        for (name, check) in self.rules.sorted(by: { $0.key < $1.key }) {
            members.append("\"\(name)\": \(Self.value(check, &random))")
        }
        return "{\(members.joined(separator: ",\n"))}"
    }

    private static func value(_ check: Check, _ random: inout SeededGenerator) -> String {
        func quoted(_ text: String) -> String { "\"" + text.replacing("\"", with: "\\\"") + "\"" }
        guard case .list(let alternatives) = check else {
            return quoted(Self.text(check, &random))
        }
        return "["
            + alternatives.map { all in
                let texts = all.map { quoted(Self.text($0, &random)) }
                return texts.count == 1 && random.chance(0.5) ? texts[0] : "[\(texts.joined(separator: ", "))]"
            }.joined(separator: ", ") + "]"
    }

    private static func text(_ check: Check, _ random: inout SeededGenerator) -> String {
        switch check {
        case .constant(_, let text): return text
        case .role(let name): return "role:\(name)"
        case .credential(let attribute, let value): return "\(attribute):\(value)"
        case .credentialIsProject(let attribute): return "\(attribute):%(project_id)s"
        case .literal(let literal, let value): return "'\(literal)':\(value)"
        case .literalIsProject(let literal): return "\"\(literal)\":%(project_id)s"
        case .rule(let name): return "rule:\(name)"
        case .not(let check): return "\(random.pick(["not", "NOT"])) \(Self.operand(check, &random))"
        case .and(let checks):
            return checks.map { Self.operand($0, &random) }.joined(separator: random.pick([" and ", "  AND  "]))
        case .or(let checks):
            // An `and` needs no parentheses here.
            return checks.map { check in
                if case .and = check, random.chance(0.5) { return Self.text(check, &random) }
                return Self.operand(check, &random)
            }.joined(separator: " or ")
        case .list: preconditionFailure("a list is a whole rule")
        }
    }

    private static func operand(_ check: Check, _ random: inout SeededGenerator) -> String {
        let text = Self.text(check, &random)
        switch check {
        case .and, .or: return "(\(text))"
        default: return random.chance(0.1) ? "( \(text) )" : text
        }
    }

    // MARK: - Meaning

    func admits(_ caller: Caller, by name: String) -> Bool {
        self.holds(.rule(name), caller, isAdmin: self.holds(self.isAdmin, caller, isAdmin: false))
    }

    private func holds(_ check: Check, _ caller: Caller, isAdmin: Bool) -> Bool {
        switch check {
        case .constant(let value, _): value
        case .role(let name): caller.roles.map { $0.lowercased() }.contains(name.lowercased())
        case .credential("is_admin", let value): value == (isAdmin ? "True" : "False")
        case .credential(let attribute, let value): (caller.values[attribute] ?? "None") == value
        case .credentialIsProject(let attribute): (caller.values[attribute] ?? "None") == caller.target
        case .literal(let literal, let value): literal == value
        case .literalIsProject(let literal): literal == caller.target
        case .rule(let name):
            (self.rules[name] ?? self.rules["default"]).map { self.holds($0, caller, isAdmin: isAdmin) } ?? false
        case .not(let check): !self.holds(check, caller, isAdmin: isAdmin)
        case .and(let checks): checks.count { self.holds($0, caller, isAdmin: isAdmin) } == checks.count
        case .or(let checks): checks.count { self.holds($0, caller, isAdmin: isAdmin) } > 0
        case .list(let alternatives):
            alternatives.isEmpty || self.holds(.or(alternatives.map { .and($0) }), caller, isAdmin: isAdmin)
        }
    }
}

extension PolicyModel.Caller {
    var credentials: PolicyCredentials {
        PolicyCredentials(
            roles: Set(self.roles.map { $0.lowercased() }), userID: self.values["user_id"],
            projectID: self.values["project_id"], systemScope: self.values["system_scope"],
            domainID: self.values["domain_id"], clientID: self.values["client_id"])
    }
}
