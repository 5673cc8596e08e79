/// What a policy decided, and by which rules.
package struct PolicyDecision: Sendable, Equatable {
    /// One rule that was looked at.
    package struct Step: Sendable, Equatable {
        /// The name that was asked for.
        package let name: String
        /// The rule that answered: this one or ``Policy/defaultRule``; nil: there is none, so that it denied.
        package let rule: String?
        /// How many rules lead to it.
        package let depth: Int
        package fileprivate(set) var holds: Bool
    }

    package let isAdmitted: Bool
    /// In the order they were begun, from the one asked for on.
    ///
    /// What could not change the outcome was not looked at.
    package let steps: [Step]
}

/// Works one decision out.
struct PolicyEvaluation {
    private let policy: Policy
    private let credentials: PolicyCredentials
    private let target: PolicyTarget
    private let isRecorded: Bool
    private(set) var steps: [PolicyDecision.Step] = []
    private var depth = 0

    init(_ policy: Policy, _ credentials: PolicyCredentials, _ target: PolicyTarget, isRecorded: Bool = false) {
        self.policy = policy
        self.credentials = credentials
        self.target = target
        self.isRecorded = isRecorded
    }

    mutating func holds(rule name: String) -> Bool {
        let resolved = self.policy.resolved(name)
        let index = self.steps.count
        if self.isRecorded {
            self.steps.append(.init(name: name, rule: resolved?.name, depth: self.depth, holds: false))
        }
        guard let resolved else { return false }
        self.depth += 1
        let holds = self.holds(resolved.entry.check)
        self.depth -= 1
        if self.isRecorded { self.steps[index].holds = holds }
        return holds
    }

    private mutating func holds(_ check: PolicyCheck) -> Bool {
        switch check {
        case .allow: return true
        case .deny: return false
        case .role(let text):
            return text.filled(from: self.target).map { self.credentials.roles.contains($0.lowercased()) } ?? false
        case .rule(let name): return self.holds(rule: name)
        case .credential(let attribute, let text):
            guard let text = text.filled(from: self.target) else { return false }
            return self.has(attribute, text)
        case .literal(let literal, let text): return text.filled(from: self.target) == literal
        case .not(let check): return !self.holds(check)
        case .all(let checks):
            for check in checks where !self.holds(check) { return false }
            return true
        case .any(let checks):
            for check in checks where self.holds(check) { return true }
            return false
        }
    }

    /// Values are compared as Python spells them, since files are written for that.
    private mutating func has(_ attribute: PolicyCredentials.Attribute, _ text: String) -> Bool {
        switch attribute {
        case .roles: self.credentials.roles.contains(text.lowercased())
        case .isAdmin: (self.holds(rule: PolicyRule.contextIsAdmin.name) ? "True" : "False") == text
        case .userID: (self.credentials.userID ?? "None") == text
        case .projectID: (self.credentials.projectID ?? "None") == text
        case .systemScope: (self.credentials.systemScope ?? "None") == text
        case .domainID: (self.credentials.domainID ?? "None") == text
        case .clientID: (self.credentials.clientID ?? "None") == text
        }
    }
}
