/// How far a message has to get before its post is answered 201 (docs/reliability.md, "Durability").
package enum Durability: String, Sendable, Equatable, CaseIterable {
    /// Into the memory of Redis.
    case memory
    /// Onto the disk of Redis.
    case disk
    /// Into the memory of the replicas that are waited for.
    case replicated
}

/// What of a queue decides how a message is posted to it.
package struct QueueTraits: Sendable, Equatable {
    package let encryptsMessages: Bool
    /// nil: as the deployment has it.
    package let durability: Durability?

    package init(encryptsMessages: Bool, durability: Durability? = nil) {
        self.encryptsMessages = encryptsMessages
        self.durability = durability
    }
}
