/// What becomes of a delivery, decided from values alone; the store's settle script carries it out.
package enum DeliveryDecision: Sendable, Equatable {
    /// The subscriber has it.
    case delivered
    /// Due again after this many seconds, with the next attempt's number.
    case retry(afterSeconds: Int)
    /// Ended without success; kept among the project's dead letters.
    case deadLetter(Reason)

    /// Why a delivery ended without success.
    package enum Reason: String, Sendable, Equatable, CaseIterable {
        /// The subscriber's answer ends it.
        case refused
        /// The last attempt of the policy failed.
        case exhausted
        /// The message's ttl has passed, or will have before the next attempt.
        case expired
        /// The egress policy does not let the house call this address.
        case forbidden
        /// This house has no way to deliver to addresses of this kind.
        case noTransport = "no_transport"
        /// Whoever attempted it was not heard of again, several times: it may be what takes notifiers down.
        case quarantined
    }

    /// Decides after an attempt.
    ///
    /// - Parameters:
    ///   - attempt: The number of the attempt that just ended, from 1.
    ///   - expiresAt: When the message's life ends; attempts due after it are not made.
    package init(
        after outcome: Outcome, attempt: Int, policy: RetryPolicy, expiresAt: Timestamp, now: Timestamp
    ) {
        switch outcome {
        case .accepted: self = .delivered
        case .refused: self = .deadLetter(.refused)
        case .forbidden: self = .deadLetter(.forbidden)
        case .deferred(_, let retryAfter):
            self = Self.again(attempt: attempt, policy: policy, atLeast: retryAfter, expiresAt: expiresAt, now: now)
        case .unreachable:
            self = Self.again(attempt: attempt, policy: policy, atLeast: nil, expiresAt: expiresAt, now: now)
        }
    }

    private static func again(
        attempt: Int, policy: RetryPolicy, atLeast retryAfter: Int?, expiresAt: Timestamp, now: Timestamp
    ) -> DeliveryDecision {
        guard var delay = policy.delay(afterAttempt: attempt) else { return .deadLetter(.exhausted) }
        // A wish is obeyed from 1 s up to the policy's longest wait (contract 4.4), and never shortens the policy's own.
        if let retryAfter { delay = max(delay, min(max(retryAfter, 1), policy.delayMax)) }
        return now.adding(seconds: delay) < expiresAt ? .retry(afterSeconds: delay) : .deadLetter(.expired)
    }
}
