/// How many messages a queue holds, at the moment they were counted.
package struct QueueStats: Sendable, Equatable {
    /// The first or the last message of a queue.
    package struct Edge: Sendable, Equatable {
        package let id: MessageID
        package let createdAt: Timestamp
        /// Whole seconds since it was posted, by Redis' clock.
        package let age: Int

        package init(id: MessageID, createdAt: Timestamp, age: Int) {
            self.id = id
            self.createdAt = createdAt
            self.age = age
        }
    }

    /// Messages that have not expired, claimed and delayed ones included.
    package let total: Int
    /// Those under an active claim.
    package let claimed: Int
    package let oldest: Edge?
    package let newest: Edge?

    package init(total: Int, claimed: Int, oldest: Edge?, newest: Edge?) {
        self.total = total
        self.claimed = claimed
        self.oldest = oldest
        self.newest = newest
    }

    package var free: Int { self.total - self.claimed }
}
