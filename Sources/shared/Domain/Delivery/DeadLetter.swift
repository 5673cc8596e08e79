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

    package init(
        subscription: SubscriptionID, position: Position, attempts: Int, reason: DeliveryDecision.Reason,
        summary: String, endedAt: Timestamp, kind: NotificationKind, hasBody: Bool
    ) {
        self.subscription = subscription
        self.position = position
        self.attempts = attempts
        self.reason = reason
        self.summary = summary
        self.endedAt = endedAt
        self.kind = kind
        self.hasBody = hasBody
    }
}

/// The message of a dead letter.
package struct DeadLetterContent: Sendable, Equatable {
    package let ttl: Int
    package let delay: Int?
    package let checksum: [UInt8]?
    package let isSealed: Bool
    /// Empty for a confirmation, which holds a signature, and for a dead letter without a body.
    package let body: ArraySlice<UInt8>

    package init(ttl: Int, delay: Int?, checksum: [UInt8]?, isSealed: Bool, body: ArraySlice<UInt8>) {
        self.ttl = ttl
        self.delay = delay
        self.checksum = checksum
        self.isSealed = isSealed
        self.body = body
    }
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

/// Where a list of dead letters continues: behind the one of this delivery, which may be gone by now.
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

/// The result of sending a dead letter again.
package enum RedriveOutcome: String, Sendable, Equatable, CaseIterable {
    /// It is a delivery again, and no dead letter any more.
    case enqueued
    /// There is none of this id.
    case unknown
    /// Its subscription has ended; the dead letter stays.
    case gone = "subscription_ended"
    /// Its subscriber has to confirm first; the dead letter stays.
    case unconfirmed
    /// It was no message but a confirmation, whose link would not work, or a test. The dead letter stays.
    case document = "not_a_message"
    /// Its body was not kept. The dead letter stays.
    case empty = "no_body"
    /// Another message, of a queue that moved to another pool, waits at its position. The dead letter stays.
    case busy
}

/// A dead letter with the ids callers know it by.
package struct DeadLetterView: Sendable {
    package let deadLetter: DeadLetter
    package let id: DeadLetterID
    package let delivery: DeliveryID

    package init(_ deadLetter: DeadLetter, id: DeadLetterID, delivery: DeliveryID) {
        self.deadLetter = deadLetter
        self.id = id
        self.delivery = delivery
    }
}

/// The result of sending dead letters again.
package struct RedriveResult: Sendable {
    /// How many of the dead letters had which outcome.
    package private(set) var outcomes: [RedriveOutcome: Int] = [:]
    /// The marker to continue at; nil when nothing is left.
    package var next: String?

    package init() {}

    package mutating func count(_ outcome: RedriveOutcome) { self.outcomes[outcome, default: 0] += 1 }
}
