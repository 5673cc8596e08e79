/// What becomes of a delivery, decided from values alone; the store's settle script carries it out.
package enum DeliveryDecision: Sendable, Equatable {
    /// The subscriber has it.
    case delivered
    /// Due again after this long, with the next attempt's number.
    case retry(after: Duration)
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
        /// The egress policy does not permit the address.
        case forbidden
        /// No channel delivers to addresses of this kind.
        case noTransport = "no_transport"
        /// No mail is sent by this deployment.
        case noRelay = "no_relay"
        /// The project sends nothing to the address.
        case suppressed
        /// Several leases of it lapsed during an attempt: it may be what ends notifiers.
        case quarantined
        /// The message came through as many queues as it may: it may be going round in circles.
        case hops
        /// Too many deliveries of its subscription or project waited already.
        case overflow
        /// The time of its subscription was over.
        case subscriptionEnded = "subscription_ended"
    }

    /// Decides after an attempt.
    ///
    /// - Parameters:
    ///   - attempt: The number of the attempt that just ended, from 1.
    ///   - expiresAt: When the message's life ends; attempts due after it are not made.
    ///   - now: By Redis' clock.
    ///   - notBeforeMax: How far a subscriber's request to wait is obeyed; it may lie beyond the waits of the policy.
    ///   - chance: From 0 to 1, exclusive: how much of the jitter this retry gets.
    package init(
        after outcome: Outcome, attempt: Int, policy: RetryPolicy, expiresAt: Timestamp, now: Timestamp,
        notBeforeMax: Duration, chance: Double
    ) {
        switch outcome {
        case .accepted: self = .delivered
        case .refused, .gone: self = .deadLetter(.refused)
        case .forbidden: self = .deadLetter(.forbidden)
        case .deferred(_, let notBefore):
            let asked = notBefore.map {
                min(max($0.milliseconds(from: now), Self.askedMin), Int64(notBeforeMax / .milliseconds(1)))
            }
            self = Self.again(attempt, policy, noSoonerThan: asked ?? 0, expiresAt, now, chance)
        case .unreachable:
            self = Self.again(attempt, policy, noSoonerThan: 0, expiresAt, now, chance)
        }
    }

    /// The shortest wait that a subscriber asks for, ms.
    private static let askedMin: Int64 = 1000
    /// The part of a wait that jitter may add to it, so that what failed together does not come back together.
    private static let jitter = 0.1

    private static func again(
        _ attempt: Int, _ policy: RetryPolicy, noSoonerThan asked: Int64, _ expiresAt: Timestamp, _ now: Timestamp,
        _ chance: Double
    ) -> DeliveryDecision {
        guard let delay = policy.delay(afterAttempt: attempt) else { return .deadLetter(.exhausted) }
        let wait = max(Int64(delay) * 1000, asked)
        let last = max(0, expiresAt.milliseconds(since: now)) - 1
        guard wait <= last else { return .deadLetter(.expired) }
        let jitter = Int64(Double(wait) * Self.jitter * chance)
        return .retry(after: .milliseconds(min(wait + jitter, last)))
    }
}
