package import Domain

/// What of a shard waits, is due or lapsed.
package struct ShardStatus: Sendable, Equatable {
    /// Redis' clock at that moment.
    package let now: Timestamp
    /// When a delivery that waits may next be leased; nil when none waits.
    package let nextDue: Timestamp?
    /// When the first lease ends; nil when none is out.
    package let oldestLease: Timestamp?
    /// When something is to be swept; nil when nothing ever expires.
    package let nextSweep: Timestamp?
    /// Events that are not fanned out yet, of at most 16 queues of 16 projects.
    package let events: Int
}

/// What one call of `sweep` did.
package struct Swept: Sendable, Equatable {
    /// Expired messages removed from their queues.
    package let messages: Int
    /// Deliveries of ended subscriptions that were removed.
    package let deliveries: Int
    /// Of these, deliveries that became dead letters: the time of their subscription was over.
    package let keptOfEnded: Int
    /// Ended subscriptions removed for good.
    package let subscriptions: Int
    /// Deliveries that ended with their messages while they waited.
    package let expired: Int
    /// Dead letters dropped before their time, to keep to a bound.
    package let droppedDeadLetters: Int
    /// Whether more is due, now.
    package let more: Bool
}

/// What one call of `reap` did.
package struct Reaped: Sendable, Equatable {
    /// Leases that had lapsed.
    package let lapsed: Int
    /// Of these, deliveries that became dead letters as quarantined.
    package let quarantined: Int
    /// Dead letters dropped before their time, to keep to a bound.
    package let droppedDeadLetters: Int
    /// Deliveries that became dead letters: the time of their subscription was over.
    package let keptOfEnded: Int
    /// Whether there may be more, now.
    package let more: Bool
}
