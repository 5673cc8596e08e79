package import Domain

/// The right to make one attempt of one delivery, until a stated time.
package struct Lease: Sendable, Equatable {
    /// The newest proof; a worker replaces it by what `renew` gives.
    package var token: LeaseToken
    package let queue: QueueAddress
    /// The version of the subscription; a copy read at another version is out of date.
    package let version: Int
    /// Seconds the message lives, from its posting.
    package let ttl: Int
    /// When the message's life ends: when its ttl does, unless it was sent again.
    package let expiresAt: Timestamp
    /// Seconds the message is held back; nil when neither its post nor its queue asked for it.
    package let delay: Int?
    /// The MD5 recorded when it was posted, 16 bytes.
    package let checksum: [UInt8]?
    /// Whether ``body`` is encrypted.
    package let isSealed: Bool
    package let provenance: Provenance
    package let kind: NotificationKind
    /// The JSON value, byte for byte as it was posted; for a sealed message, what it was sealed into; for a confirmation,
    /// the whole document to send.
    package let body: ArraySlice<UInt8>
    /// The retry policy of the queue at the moment of the lease; nil when it has none.
    package let queuePolicy: RetryPolicy?
    /// Whether it goes out in one attempt with the lease before it.
    package let isCollected: Bool

    package var subscription: SubscriptionID { self.token.subscription }
    package var position: Position { self.token.position }
    /// The number of the attempt to make, from 1.
    package var attempt: Int { self.token.attempt }
    package var leasedUntil: Timestamp { self.token.leasedUntil }
    /// 0, or the level of a suspect: one more than how many attempts in a row had begun when their lease lapsed.
    package var suspicion: Int { self.token.suspicion }
}

/// Proof of a lease: it holds while the store still knows this attempt with an end no earlier than this one.
///
/// A lapsed lease comes back as the next attempt or behind another fence, and what is sent again is behind another fence
/// too, so an old token can never touch a newer lease.
package struct LeaseToken: Hashable, Sendable {
    /// What a fence adds to the number of an attempt, in the scripts' names of it.
    static let fence = 1_000_000

    package let subscription: SubscriptionID
    package let position: Position
    package let attempt: Int
    /// How often the delivery was given a name that none of its leases before had, see `lib_delivery.lua`.
    let fences: Int
    /// The level of a suspect; 0 of any other delivery.
    package let suspicion: Int
    package let leasedUntil: Timestamp

    /// Whether it may have been sent again, as a dead letter.
    package var isFenced: Bool { self.fences > 0 }

    /// As scripts name the attempt within its delivery.
    var turn: String {
        let number = self.fences * Self.fence + self.attempt
        return self.suspicion == 0 ? "\(number)" : "\(number):\(self.suspicion)"
    }

    /// As scripts name the lease.
    var member: String { "\(self.subscription.text)|\(self.position.value):\(self.turn)" }
}

/// What one call of `lease` brought.
package struct Leased: Sendable, Equatable {
    package let leases: [Lease]
    /// When something of the shard may be leased next; nil when nothing waits.
    package let nextDue: Timestamp?
    /// Whether that is now: the call was full, or what is due waits for capacity.
    package let more: Bool
    package let unreadable: UnreadableRows
}

/// What a call handed out that this version cannot read, though perhaps another that runs beside it.
package struct UnreadableRows: Sendable, Equatable {
    /// A lease of which only this is known.
    package struct Lease: Sendable, Equatable {
        package let token: LeaseToken
        package let queue: QueueAddress
    }

    /// Deliveries that could not be read.
    package internal(set) var count = 0
    /// Those whose token and queue could; the others lapse.
    package internal(set) var leases: [Lease] = []

    package init() {}
}

/// What one call of `settle` did.
package struct Settled: Sendable, Equatable {
    /// For each settlement whether it was written down; false: the lease had lapsed, and nothing changed.
    ///
    /// Saying one twice is safe.
    package let written: [Bool]
    /// Dead letters dropped before their time, to keep to a bound.
    package let droppedDeadLetters: Int
    /// Deliveries that became dead letters: the time of their subscription was over.
    package let keptOfEnded: Int
    /// Subscriptions that these outcomes end the service of.
    package let held: [Held]
    /// nil when nothing was to be leased, or nothing written down.
    package let leased: Leased?

    package init(written: [Bool], droppedDeadLetters: Int = 0, keptOfEnded: Int = 0, held: [Held] = [], leased: Leased?)
    {
        self.written = written
        self.droppedDeadLetters = droppedDeadLetters
        self.keptOfEnded = keptOfEnded
        self.held = held
        self.leased = leased
    }

    /// Why a subscription is not served any more.
    package enum Hold: String, Sendable, CaseIterable {
        /// Its breaker is open: attempts are made one at a time, to see whether it answers.
        case breaker
        /// Until it is resumed.
        case disabled
    }

    package struct Held: Sendable, Equatable {
        package let subscription: SubscriptionID
        package let hold: Hold
    }
}

/// What one call of `take` brought.
package struct Taken: Sendable, Equatable {
    package let leases: [Lease]
    package let unreadable: UnreadableRows
    /// What the next call needs verdicts on.
    package let undecided: [UndecidedEvent]
    /// Whether the shard has more events to take, now.
    package let more: Bool
    /// Whether events of projects that are paced stayed.
    package let isPaced: Bool
    /// Deliveries that ended at once, because too many of their subscription or project wait.
    package let overflowed: Int
    /// Those whose subscription was over, and which are dead letters now.
    package let keptOfEnded: Int
    /// Dead letters dropped before their time, to keep to a bound.
    package let droppedDeadLetters: Int
}
