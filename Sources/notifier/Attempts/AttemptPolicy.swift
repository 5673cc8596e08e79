import Domain
import Store

/// What follows an attempt, settled when it begins: by the subscription and its queue as they are then.
struct AttemptPolicy: Sendable {
    /// nil: there is one attempt and no dead letter, for a test tells by its outcome.
    private let policy: RetryPolicy?
    private let finalStatuses: FinalStatuses
    private let disablesOnGone: Bool
    private let retryAfterMax: Duration

    /// - Parameter retryAfterMax: How far a `Retry-After` is obeyed.
    init(_ lease: Lease, to recipient: Recipient, retryAfterMax: Duration) {
        self.policy =
            lease.kind == .test
            ? nil : RetryPolicy.effective(queue: lease.queuePolicy, subscription: recipient.retryPolicy).policy
        self.finalStatuses = recipient.finalStatuses
        self.disablesOnGone = recipient.disablesOnGone
        self.retryAfterMax = retryAfterMax
    }

    /// The outcome as it counts for the subscription, which may have final statuses.
    func judge(_ outcome: Outcome) -> Outcome { self.finalStatuses.judge(outcome) }

    /// - Parameters:
    ///   - outcome: As ``judge(_:)`` has it.
    ///   - attempt: From 1.
    ///   - expiresAt: When the message's life ends.
    ///   - chance: From 0 to 1, exclusive: how much of the jitter a retry gets.
    func ending(
        after outcome: Outcome, attempt: Int, expiresAt: Timestamp, now: Timestamp,
        chance: Double = .random(in: 0..<1)
    ) -> Settlement.Ending {
        guard let policy = self.policy else {
            if case .accepted = outcome { return .delivered }
            return .dropped
        }
        let decision = DeliveryDecision(
            after: outcome, attempt: attempt, policy: policy, expiresAt: expiresAt, now: now,
            retryAfterMax: self.retryAfterMax, chance: chance)
        switch decision {
        case .delivered: return .delivered
        case .retry(let wait): return .retry(after: wait)
        case .deadLetter(let reason):
            let isGone = self.disablesOnGone && outcome == .refused(status: Outcome.goneStatus)
            return .deadLetter(reason, summary: outcome.summary, disabling: isGone)
        }
    }
}
