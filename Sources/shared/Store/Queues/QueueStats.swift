package import Domain

/// How many messages a queue holds, at the moment they were counted.
package struct QueueStats: Sendable, Equatable {
    /// The first or the last message of a queue.
    package struct Edge: Sendable, Equatable {
        package let id: MessageID
        package let createdAt: Timestamp
        /// Whole seconds since it was posted, by Redis' clock.
        package let age: Int
    }

    /// Messages that have not expired, claimed and delayed ones included.
    package let total: Int
    /// Those under an active claim.
    package let claimed: Int
    package let oldest: Edge?
    package let newest: Edge?

    package var free: Int { self.total - self.claimed }
}
