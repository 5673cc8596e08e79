/// What a queue of whatever project holds.
package struct SurveyedQueue: Sendable, Equatable {
    package let queue: QueueAddress
    /// Messages that have not expired, those of a claim included.
    package let messages: Int
    package let claimed: Int
    /// Seconds since the oldest of them came to the queue; nil: it has none, or expired ones are in front.
    package let oldestAge: Int?
    /// Of the records of its messages.
    package let bytes: Int
    package let subscriptions: Int
    /// Posts that no notifier has come to yet.
    package let events: Int
    package let deadLetters: Int

    package init(
        queue: QueueAddress, messages: Int, claimed: Int, oldestAge: Int?, bytes: Int, subscriptions: Int, events: Int,
        deadLetters: Int
    ) {
        self.queue = queue
        self.messages = messages
        self.claimed = claimed
        self.oldestAge = oldestAge
        self.bytes = bytes
        self.subscriptions = subscriptions
        self.events = events
        self.deadLetters = deadLetters
    }

    package var free: Int { self.messages - self.claimed }
}

/// A queue as an administrator sees it.
package struct ListedQueue: Sendable, Equatable {
    package let queue: QueueAddress
    /// Where it lives, `default` for the default store.
    package let pool: String
    /// nil: its pool does not answer.
    package let held: SurveyedQueue?

    package init(queue: QueueAddress, pool: String, held: SurveyedQueue?) {
        self.queue = queue
        self.pool = pool
        self.held = held
    }
}

/// Which queues an administrator asks for.
package enum QueueSelection: String, Sendable, CaseIterable {
    /// By project and name.
    case all
    /// Those that hold messages, in no order.
    case holding
}
