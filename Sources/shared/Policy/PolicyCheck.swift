/// The condition of a rule, as a tree.
///
/// `description` is a text that ``PolicyCheck/init(text:)`` reads as the same tree. An `and` within an `or` has parentheses there, so
/// that it may nest deeper than what was read.
package indirect enum PolicyCheck: Sendable, Equatable {
    /// `@`, or an empty text.
    case allow
    /// `!`
    case deny
    /// `role:NAME`: the caller has the role, in any case.
    case role(CheckText)
    /// `rule:NAME`: another rule, or where there is none of the name, the rule ``Policy/defaultRule``.
    case rule(String)
    /// `project_id:…`: the credential has this value.
    case credential(PolicyCredentials.Attribute, CheckText)
    /// `'literal':…`: the text behind the colon comes to the literal.
    case literal(String, CheckText)
    case not(PolicyCheck)
    /// Joined with `and`; two at least.
    case all([PolicyCheck])
    /// Joined with `or`; two at least.
    case any([PolicyCheck])
}

/// What stands behind the colon of a check: text, with values of the target in it.
package struct CheckText: Sendable, Equatable {
    package enum Part: Sendable, Equatable {
        case text(String)
        /// `%(project_id)s`
        case target(PolicyTarget.Key)
    }

    /// One at least.
    package let parts: [Part]

    package init(_ parts: [Part]) { self.parts = parts }

    /// The text with the values of a target; nil when it lacks one of them.
    package func filled(from target: PolicyTarget) -> String? {
        var text = ""
        for part in self.parts {
            switch part {
            case .text(let literal): text += literal
            case .target(let key):
                guard let value = target[key] else { return nil }
                text += value
            }
        }
        return text
    }
}

extension PolicyCheck {
    /// The tree's own nodes; what other rules add is counted in ``Policy``.
    var nodes: Int {
        switch self {
        case .allow, .deny, .role, .rule, .credential, .literal: 1
        case .not(let check): 1 + check.nodes
        case .all(let checks), .any(let checks): 1 + checks.reduce(0) { $0 + $1.nodes }
        }
    }

    /// The names of the rules that it refers to, each as often as it does.
    ///
    /// `is_admin` refers to the rule that decides it.
    var references: [String] {
        switch self {
        case .rule(let name): [name]
        case .credential(.isAdmin, _): [PolicyRule.contextIsAdmin.name]
        case .allow, .deny, .role, .credential, .literal: []
        case .not(let check): check.references
        case .all(let checks), .any(let checks): checks.flatMap(\.references)
        }
    }
}

extension PolicyCheck: CustomStringConvertible {
    package var description: String {
        switch self {
        case .allow: "@"
        case .deny: "!"
        case .role(let text): "role:\(text)"
        case .rule(let name): "rule:\(name)"
        case .credential(let attribute, let text): "\(attribute.rawValue):\(text)"
        case .literal(let literal, let text): literal.contains("'") ? "\"\(literal)\":\(text)" : "'\(literal)':\(text)"
        case .not(let check): "not \(check.operand)"
        case .all(let checks): checks.map(\.operand).joined(separator: " and ")
        case .any(let checks): checks.map(\.operand).joined(separator: " or ")
        }
    }

    private var operand: String {
        switch self {
        case .all, .any: "(\(self))"
        default: self.description
        }
    }
}

extension CheckText: CustomStringConvertible {
    package var description: String {
        self.parts.map { part in
            switch part {
            case .text(let text): text.replacing("%", with: "%%")
            case .target(let key): "%(\(key.rawValue))s"
            }
        }.joined()
    }
}
