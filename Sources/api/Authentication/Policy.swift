/// A rule of the policy, by the name operators know it by: `queues:create`.
///
/// The names are those of the OpenStack Messaging API v2; what Herald adds to that API has names of the same kind.
package struct PolicyRule: Sendable, Hashable {
    /// Whom a rule admits while no operator says otherwise.
    package enum Default: Sendable, Hashable {
        case everyone
        case administrators
    }

    package let name: String
    package let `default`: Default

    static func everyone(_ name: String) -> PolicyRule { PolicyRule(name: name, default: .everyone) }

    static func administrators(_ name: String) -> PolicyRule { PolicyRule(name: name, default: .administrators) }
}

/// Says what an identity may do.
struct Policy: Sendable {
    /// The role that passes the rules of administrators.
    private static let administratorRole = "admin"

    func admits(_ identity: Identity, to rule: PolicyRule) -> Bool {
        switch rule.default {
        case .everyone: true
        case .administrators: identity.roles.contains(Self.administratorRole)
        }
    }
}
