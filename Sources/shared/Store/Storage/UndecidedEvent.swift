package import Domain

/// Deliveries of one event that filter policies decide about: what has to be known of them before they are made.
package struct UndecidedEvent: Sendable, Equatable {
    package struct Message: Sendable, Equatable {
        /// The JSON value as it was posted, or what it was sealed into.
        package let body: ArraySlice<UInt8>
        package let isSealed: Bool
    }

    package struct Recipient: Sendable, Equatable {
        /// The id as the store spells it.
        package let name: String
        /// nil, as the version: this Herald cannot read it.
        package let subscription: SubscriptionID?
        package let version: Int?

        /// - Parameter key: The id, and the version in 6 digits.
        init(key: String) {
            let digits = 6
            self.name = String(key.dropLast(digits))
            self.subscription = SubscriptionID(self.name)
            self.version = Int(key.suffix(digits))
        }
    }

    package let queue: QueueAddress
    /// The position of its first message, as the store spells it.
    package let first: String
    /// Those of the post, in its order; nil for one that this version cannot read.
    package let messages: [Message?]
    /// Whose policies decide.
    package let recipients: [Recipient]

    /// - Parameter keys: Of the subscriptions: id, and version in 6 digits.
    init(queue: QueueAddress, first: String, messages: [Message?], keys: [String]) {
        self.queue = queue
        self.messages = messages
        self.recipients = keys.map(Recipient.init(key:))
        self.first = first
    }
}

/// Which deliveries of an event are made.
///
/// It counts for no event but that one, and for as many of its recipients as were decided about; what becomes of the others is asked
/// again. What a policy said just before it was changed still counts.
package struct EventVerdicts: Sendable, Equatable {
    package let queue: QueueAddress
    package let first: String
    /// Of recipients, whether each gets each message.
    package let rows: [Row]

    package struct Row: Sendable, Equatable {
        /// The id of the recipient, as the store spells it.
        let name: String
        package let wanted: [Bool]
    }

    /// - Parameter wanted: Of recipients, from the first: as many as the event has messages.
    package init(on event: UndecidedEvent, wanted: [[Bool]]) {
        precondition(
            wanted.count <= event.recipients.count && wanted.allSatisfy { $0.count == event.messages.count },
            "there is a verdict for each message of an event")
        self.queue = event.queue
        self.first = event.first
        self.rows = zip(event.recipients, wanted).map { Row(name: $0.name, wanted: $1) }
    }

    package var count: Int { self.rows.reduce(0) { $0 + $1.wanted.count } }
    package var wantedCount: Int { self.rows.reduce(0) { $0 + $1.wanted.count { $0 } } }

    /// As `delivery_take.lua` takes them.
    var arguments: [String] {
        [self.queue.key, self.first, String(self.rows.count)]
            + self.rows.flatMap { row in
                [row.name, String(row.wanted.map { $0 ? "1" : "0" as Character })]
            }
    }
}
