/// When the attempts of one delivery are made (docs/delivery.md, "Retries").
///
/// ```
/// attempt 1                      at once
/// immediate retries          ×   no wait
/// minimum-delay retries      ×   `delayMin` before each
/// the backoff list           ×   each of its waits
/// maximum-delay retries      ×   `delayMax` before each
/// ```
/// A policy with ``waits`` names the wait before each retry instead.
package struct RetryPolicy: Sendable, Equatable {
    /// Largest number of retries in any one of the three counted phases.
    package static let countMax = 100
    /// Largest `delayMin` and `delayMax`, seconds.
    package static let delaySecondsMax = 86_400
    /// Fewest seconds `delayMax` lies above `delayMin`.
    package static let delaySpanMin = 10

    package var retriesWithoutDelay = 3
    package var minimumDelayRetries = 3
    /// Seconds.
    package var delayMin = 5
    /// Seconds, at least ``delaySpanMin`` more than ``delayMin``.
    package var delayMax = 30
    package var maximumDelayRetries = 3
    /// The shape of the waits in between.
    package var backoff = BackoffFunction.linear
    /// In the policy of a queue: it holds for every subscription, whatever the subscription says.
    ///
    /// Means nothing elsewhere.
    package var ignoresSubscriptions = false

    /// Most waits that a policy names.
    package static let waitsMax = 100

    /// Seconds to wait before each retry, instead of what the phases say; nil: the phases count.
    package private(set) var waits: [Int]?
    /// Whether the last of ``waits`` is repeated as long as the message lives.
    package private(set) var repeatsLastWait = false

    package init() {}

    /// - Parameter waits: At most ``waitsMax`` of at most ``delaySecondsMax``; none of them: there is no retry.
    package init(waits: [Int]) { self.waits = waits }

    /// Policies that have a name.
    package enum Preset: String, Sendable, CaseIterable {
        /// The example of the Standard Webhooks specification ("Deliverability and reliability"): ten attempts over three days.
        case standardWebhooks = "standard-webhooks"

        package var policy: RetryPolicy {
            switch self {
            case .standardWebhooks:
                RetryPolicy(waits: [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400])
            }
        }
    }

    /// Of mail that has no policy: after 1, 5, 10, 20 and 40 minutes, then every hour as long as the message lives, so that
    /// a server that asks new senders to come back (greylisting) is satisfied.
    package static let mail: RetryPolicy = {
        var policy = RetryPolicy(waits: [60, 300, 600, 1200, 2400, 3600])
        policy.repeatsLastWait = true
        return policy
    }()

    /// Whose policy a delivery follows.
    package enum Source: Sendable, Equatable {
        /// One that is tried, and counts for nothing.
        case request
        case subscription
        /// `overriding`: the subscription has one, too, which the queue's sets aside.
        case queue(overriding: Bool)
        /// Neither has one.
        case builtIn
    }

    /// The policy a delivery follows: one of them whole, never a mixture (docs/delivery.md, "Retries").
    ///
    /// - Parameters:
    ///   - queue: nil when the queue has none, or one that says nothing.
    ///   - subscription: nil likewise.
    ///   - builtIn: Counts when neither has one.
    package static func effective(
        queue: RetryPolicy?, subscription: RetryPolicy?, builtIn: RetryPolicy = RetryPolicy()
    ) -> (policy: RetryPolicy, source: Source) {
        if let queue, queue.ignoresSubscriptions || subscription == nil {
            return (queue, .queue(overriding: subscription != nil))
        }
        return subscription.map { ($0, .subscription) } ?? (builtIn, .builtIn)
    }

    /// Attempts in all, the first included: 15 with the defaults, over 180 s.
    ///
    /// Without end where the last of the ``waits`` is repeated.
    package var attemptsMax: Int {
        if let waits = self.waits { return self.repeatsLastWait ? .max : 1 + waits.count }
        return 1 + self.retriesWithoutDelay + self.minimumDelayRetries + self.backoffCount + self.maximumDelayRetries
    }

    /// Where in the policy an attempt stands.
    package enum Phase: String, Sendable, Equatable, CaseIterable {
        case first, immediate, minimum, backoff, maximum
        /// One of the waits that the policy names.
        case named
    }

    /// Seconds to wait after an attempt that may be repeated.
    ///
    /// - Parameter attempt: The number of the attempt that just failed, from 1.
    /// - Returns: nil when it was the last.
    package func delay(afterAttempt attempt: Int) -> Int? {
        self.retry(afterAttempt: attempt)?.delay
    }

    /// The same, with the phase the next attempt belongs to.
    package func retry(afterAttempt attempt: Int) -> (phase: Phase, delay: Int)? {
        var index = max(attempt, 1) - 1
        if let waits = self.waits {
            if index < waits.count { return (.named, waits[index]) }
            return self.repeatsLastWait ? waits.last.map { (.named, $0) } : nil
        }
        if index < self.retriesWithoutDelay { return (.immediate, 0) }
        index -= self.retriesWithoutDelay
        if index < self.minimumDelayRetries { return (.minimum, self.delayMin) }
        index -= self.minimumDelayRetries
        let backoffCount = self.backoffCount
        if index < backoffCount {
            return (.backoff, self.backoff.delay(at: index, from: self.delayMin, to: self.delayMax))
        }
        index -= backoffCount
        return index < self.maximumDelayRetries ? (.maximum, self.delayMax) : nil
    }

    private var backoffCount: Int { self.backoff.count(from: self.delayMin, to: self.delayMax) }
}
