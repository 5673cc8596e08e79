package import Domain

/// A delivery that ended without success.
package struct DeadLetter: Sendable, Equatable {
    package let subscription: SubscriptionID
    package let position: Position
    package let attempts: Int
    package let reason: DeliveryDecision.Reason
    /// How the last attempt ended, as the worker put it.
    package let summary: String
    package let endedAt: Timestamp
    package let kind: NotificationKind
    /// Whether its body was kept: not of one that ended while it waited, nor of one that ended when Redis was full.
    package let hasBody: Bool
}

/// What was to be delivered.
package struct DeadLetterContent: Sendable, Equatable {
    package let ttl: Int
    package let delay: Int?
    package let checksum: [UInt8]?
    package let isSealed: Bool
    /// Empty for a confirmation, which holds a signature, and for a letter without a body.
    package let body: ArraySlice<UInt8>
}

/// Which dead letters are meant: those that fit all that is said.
package struct DeadLetterFilter: Sendable, Equatable {
    package var subscription: SubscriptionID?
    package var reason: DeliveryDecision.Reason?
    /// Ended then or later.
    package var since: Timestamp?
    /// Ended before.
    package var until: Timestamp?

    package init(
        subscription: SubscriptionID? = nil, reason: DeliveryDecision.Reason? = nil, since: Timestamp? = nil,
        until: Timestamp? = nil
    ) {
        self.subscription = subscription
        self.reason = reason
        self.since = since
        self.until = until
    }
}

/// Where a list of dead letters goes on: behind the one of this delivery, which ended then and need not be there any more.
package struct DeadLetterMarker: Sendable, Equatable {
    package let endedAt: Timestamp
    package let subscription: SubscriptionID
    package let position: Position

    package init(endedAt: Timestamp, subscription: SubscriptionID, position: Position) {
        self.endedAt = endedAt
        self.subscription = subscription
        self.position = position
    }
}

/// What became of a request to send a dead letter again.
package enum RedriveOutcome: String, Sendable, Equatable, CaseIterable {
    /// It is a delivery again, and no dead letter any more.
    case owed = "enqueued"
    /// There is none of this id.
    case unknown
    /// Its subscription has ended; the letter stays.
    case gone = "subscription_ended"
    /// Its subscriber has to confirm first; the letter stays.
    case unconfirmed
    /// It was no message but a confirmation, whose link would not work, or a test. The letter stays.
    case document = "not_a_message"
    /// Its body was not kept. The letter stays.
    case empty = "no_body"
}
