/// The attempts a policy makes of one message when all of them fail, each as soon as it is made.
package struct RetrySchedule: Sendable, Equatable {
    package struct Attempt: Sendable, Equatable {
        /// From 1.
        package let number: Int
        package let phase: RetryPolicy.Phase
        /// Seconds since the attempt before.
        package let wait: Int
        /// Seconds since the post.
        package let offset: Int
    }

    /// What ends it.
    package enum End: String, Sendable, Equatable, CaseIterable {
        /// The policy has no further attempt.
        case exhausted
        /// The next attempt would come when the message lives no more.
        case expired
    }

    /// The attempts that are made, but for those beyond ``shownMax``.
    package let attempts: [Attempt]
    /// How many are made.
    package let count: Int
    package let end: End

    /// Attempts that are listed; a policy can make ten thousands.
    package static let shownMax = 1000

    /// - Parameter ttl: Seconds the message lives; an attempt due then or later is not made.
    package init(_ policy: RetryPolicy, ttl: Int) {
        var attempts = [Attempt(number: 1, phase: .first, wait: 0, offset: 0)]
        var count = 1
        var offset = 0
        var end = End.exhausted
        while let next = policy.retry(afterAttempt: count) {
            offset += next.delay
            guard offset < ttl else {
                end = .expired
                break
            }
            count += 1
            guard count <= Self.shownMax else { continue }
            attempts.append(Attempt(number: count, phase: next.phase, wait: next.delay, offset: offset))
        }
        self.attempts = attempts
        self.count = count
        self.end = end
    }
}

/// When a message that is posted now would be attempted for one subscription, and whose retry policy decides that.
package struct DeliverySchedule: Sendable {
    package let policy: RetryPolicy
    package let source: RetryPolicy.Source
    /// Seconds the message lives.
    package let ttl: Int
    package let schedule: RetrySchedule

    package init(policy: RetryPolicy, source: RetryPolicy.Source, ttl: Int) {
        self.policy = policy
        self.source = source
        self.ttl = ttl
        self.schedule = RetrySchedule(policy, ttl: ttl)
    }
}
