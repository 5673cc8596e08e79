import NIOConcurrencyHelpers

/// The policy in force: read by every request, replaced when files change.
package final class PolicyHolder: Sendable {
    private let policy: NIOLockedValueBox<Policy>

    package init(_ policy: Policy = .builtIn) { self.policy = NIOLockedValueBox(policy) }

    package var current: Policy { self.policy.withLockedValue { $0 } }

    package func replace(with policy: Policy) { self.policy.withLockedValue { $0 = policy } }
}
