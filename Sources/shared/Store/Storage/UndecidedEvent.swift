package import Domain

/// Deliveries of one event that filter policies decide about: what has to be known of them before they are made.
package struct UndecidedEvent: Sendable {
    package struct Message: Sendable, Equatable {
        /// The JSON value as it was posted, or what it was sealed into.
        package let body: ArraySlice<UInt8>
        package let isSealed: Bool
    }

    package struct Recipient: Sendable, Equatable {
        package let subscription: SubscriptionID
        package let version: Int

        /// - Parameter key: The id, and the version in 6 digits.
        init?(key: String) {
            let digits = 6
            guard let version = Int(key.suffix(digits)), let id = SubscriptionID(String(key.dropLast(digits))) else {
                return nil
            }
            self.subscription = id
            self.version = version
        }
    }

    package let queue: QueueAddress
    /// Those of the post, in its order; nil for one that this version cannot read.
    package let messages: [Message?]
    /// Whose policies decide; nil for one that this version cannot read.
    package let recipients: [Recipient?]
    fileprivate let first: String
    fileprivate let keys: [String]

    /// - Parameters:
    ///   - first: The position of the first message, as the store spells it.
    ///   - keys: Of the subscriptions: id, and version in 6 digits.
    init(queue: QueueAddress, first: String, messages: [Message?], keys: [String]) {
        self.queue = queue
        self.messages = messages
        self.recipients = keys.map(Recipient.init(key:))
        self.first = first
        self.keys = keys
    }
}

/// Which deliveries of an event are made.
///
/// It counts for the version of each subscription that was asked for, and for no event but that one.
package struct EventVerdicts: Sendable {
    let event: UndecidedEvent
    /// Of each recipient, whether it gets each message.
    package let wanted: [[Bool]]

    /// - Parameter wanted: As many as the event has recipients, and of each as many as it has messages.
    package init(on event: UndecidedEvent, wanted: [[Bool]]) {
        precondition(
            wanted.count == event.keys.count && wanted.allSatisfy { $0.count == event.messages.count },
            "there is a verdict for each delivery of an event")
        self.event = event
        self.wanted = wanted
    }

    package var count: Int { self.wanted.reduce(0) { $0 + $1.count } }
    package var wantedCount: Int { self.wanted.reduce(0) { $0 + $1.count { $0 } } }

    /// As `delivery_take.lua` takes them.
    var arguments: [String] {
        [self.event.queue.key, self.event.first, String(self.event.keys.count)]
            + zip(self.event.keys, self.wanted).flatMap { key, wanted in
                [key, String(wanted.map { $0 ? "1" : "0" as Character })]
            }
    }
}
