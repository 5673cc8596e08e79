import Domain
import Policy

extension PolicyRule {
    /// A rule that admits everyone while no file says otherwise.
    static func everyone(_ name: String) -> PolicyRule { self.known(name, "") }

    /// A rule that admits the role `admin` while no file says otherwise.
    static func administrators(_ name: String) -> PolicyRule { self.known(name, "role:admin") }

    /// Routes and actions say which rule guards them, and whom it admits; the list that the command line shares says so too.
    private static func known(_ name: String, _ text: String) -> PolicyRule {
        guard let rule = PolicyCatalog.rule(named: name), rule.text == text else {
            preconditionFailure("PolicyCatalog has no rule \(name) with the check string '\(text)'")
        }
        return rule
    }
}

extension Caller {
    /// Whether it may do what a rule guards: by the policy, and by what established its identity.
    ///
    /// - Parameter queue: What it is done with; nil: no queue.
    func isAdmitted(by policy: Policy, to rule: PolicyRule, on queue: QueueName?) -> Bool {
        policy.admits(self, to: rule) && self.identity.isFor(rule, on: queue)
    }
}

extension Policy {
    /// Whether a caller may do what a rule guards, in its project.
    func admits(_ caller: Caller, to rule: PolicyRule) -> Bool {
        self.admits(
            PolicyCredentials(
                roles: caller.identity.roles, userID: caller.identity.user, projectID: caller.identity.project,
                systemScope: caller.identity.isSystemScoped ? "all" : nil, domainID: caller.identity.domain,
                clientID: caller.client.text),
            to: PolicyTarget(projectID: caller.project.text), by: rule.name)
    }
}
