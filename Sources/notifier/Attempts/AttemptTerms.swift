import Domain
import Store

/// What follows an attempt, settled when it begins: by the subscription and its queue as they are then.
struct AttemptTerms: Sendable {
    /// nil: there is one attempt and no dead letter, for a test tells by its outcome.
    private let policy: RetryPolicy?
    private let disablesOnGone: Bool

    init(_ lease: Lease, to recipient: Recipient) {
        self.policy =
            lease.kind == .test
            ? nil : RetryPolicy.effective(queue: lease.queuePolicy, subscription: recipient.retryPolicy).policy
        self.disablesOnGone = recipient.disablesOnGone
    }

    /// - Parameters:
    ///   - attempt: From 1.
    ///   - expiresAt: When the message's life ends.
    func ending(
        after outcome: Outcome, attempt: Int, expiresAt: Timestamp, now: Timestamp
    ) -> Settlement.Ending {
        guard let policy = self.policy else {
            if case .accepted = outcome { return .delivered }
            return .dropped
        }
        let decision = DeliveryDecision(
            after: outcome, attempt: attempt, policy: policy, expiresAt: expiresAt, now: now)
        switch decision {
        case .delivered: return .delivered
        case .retry(let seconds): return .retry(after: .seconds(seconds))
        case .deadLetter(let reason):
            let isGone = self.disablesOnGone && outcome == .refused(status: 410)
            return .deadLetter(reason, summary: outcome.summary, disabling: isGone)
        }
    }
}
