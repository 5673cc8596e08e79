import Domain
import NIOConcurrencyHelpers

/// What the handler of a request finds out about it for the audit log: the ids of what it makes, and what a link leads to.
final class AuditNotes: Sendable {
    struct Found: Sendable {
        /// The queue of the subscription that a link leads to.
        var link: QueueAddress?
        var subscription: SubscriptionID?
        var claim: ClaimID?
    }

    private let state = NIOLockedValueBox(Found())

    var found: Found { self.state.withLockedValue { $0 } }

    func made(_ subscription: SubscriptionID) { self.state.withLockedValue { $0.subscription = subscription } }

    func made(_ claim: ClaimID) { self.state.withLockedValue { $0.claim = claim } }

    func opened(_ subscription: SubscriptionID, of queue: QueueAddress) {
        self.state.withLockedValue { ($0.subscription, $0.link) = (subscription, queue) }
    }
}
