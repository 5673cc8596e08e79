/// A rule of the policy, by the name operators know it by: `queues:create`.
///
/// The names are those of the OpenStack Messaging API v2; what Herald adds to that API has names of the same kind.
package struct PolicyRule: Sendable, Hashable {
    package let name: String
    /// Its check string while no file says otherwise.
    package let text: String
    /// The routes it guards, as method and path: `PUT /v2/queues/{queue}`.
    package let routes: [String]
    /// The actions of the WebSocket API that it guards.
    package let actions: [String]

    /// Everything the rule guards, for people.
    package var guards: [String] { self.routes + self.actions }
}

extension PolicyRule {
    /// Decides the credential `is_admin`.
    package static let contextIsAdmin = PolicyRule(
        name: "context_is_admin", text: "role:admin", routes: [], actions: [])
    /// For files to refer to.
    package static let adminOrOwner = PolicyRule(
        name: "admin_or_owner", text: "is_admin:True or project_id:%(project_id)s", routes: [], actions: [])
}
