/// A claim that was just made.
package struct NewClaim: Sendable, Equatable {
    package let id: ClaimID
    /// At least one, oldest first.
    package let messages: [StoredMessage]

    package init(id: ClaimID, messages: [StoredMessage]) {
        self.id = id
        self.messages = messages
    }
}

/// An active claim, at the moment it was read.
package struct Claim: Sendable, Equatable {
    package let id: ClaimID
    /// Seconds it holds, from its creation or last update.
    package let ttl: Int
    /// Whole seconds since its creation or last update, by Redis' clock.
    package let age: Int
    /// Those of its messages that still exist, oldest first.
    package let messages: [StoredMessage]

    package init(id: ClaimID, ttl: Int, age: Int, messages: [StoredMessage]) {
        self.id = id
        self.ttl = ttl
        self.age = age
        self.messages = messages
    }
}

/// A claim as its holder sees it.
package struct ClaimView: Sendable {
    package let id: ClaimID
    /// Seconds it holds, from its creation or last update.
    package let ttl: Int
    /// Whole seconds since then.
    package let age: Int
    /// Oldest first; of a new claim at least one.
    package let messages: [MessageView]

    package init(id: ClaimID, ttl: Int, age: Int, messages: [MessageView]) {
        self.id = id
        self.ttl = ttl
        self.age = age
        self.messages = messages
    }
}
