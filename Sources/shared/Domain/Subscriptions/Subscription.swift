/// A subscription, at the moment it was read.
package struct Subscription: Sendable, Equatable {
    package let id: SubscriptionID
    package let queue: QueueName
    /// The address exactly as the subscriber wrote it.
    package let subscriber: String
    /// Seconds it lives, from its creation.
    package let ttl: Int
    /// Whole seconds since it was created, by Redis' clock.
    package let age: Int
    /// The JSON object, byte for byte as it was posted.
    package let options: [UInt8]
    package let confirmed: Bool
    /// Grows with every change of the subscription; a copy with the version of a lease is current.
    package let version: Int
    package let secret: SecretVersions
    /// Links of confirmations that expire no later than this, seconds since the epoch, were sent to an address before this
    /// one and count no more.
    package let barredLinkExpiry: Int64
    /// Whether its address was sent a link that still counts, to confirm or to come back.
    package let isAsked: Bool

    package init(
        id: SubscriptionID, queue: QueueName, subscriber: String, ttl: Int, age: Int, options: [UInt8], confirmed: Bool,
        version: Int, secret: SecretVersions, barredLinkExpiry: Int64, isAsked: Bool = false
    ) {
        self.id = id
        self.queue = queue
        self.subscriber = subscriber
        self.ttl = ttl
        self.age = age
        self.options = options
        self.confirmed = confirmed
        self.version = version
        self.secret = secret
        self.barredLinkExpiry = barredLinkExpiry
        self.isAsked = isAsked
    }
}

/// The result of subscribing an address.
package enum SubscribeOutcome: Sendable, Equatable {
    case created
    /// The subscriber already is subscribed to this queue; nothing about the subscription changed.
    case exists(confirmed: Bool)
}

/// A change of a subscription.
///
/// What is nil stays; the rest replaces the old value as a whole.
package struct SubscriptionChange: Sendable, Equatable {
    package var subscriber: Subscriber?
    /// Seconds it lives from now on.
    package var ttl: Int?
    /// The JSON object as the caller wrote it.
    package var options: [UInt8]?
    /// What those options say of it; without them, and nil, it stays.
    package var pace: Pace?
    /// What becomes of the trust that was made for it.
    package var trust = TrustChange.stays
    /// The only version that is changed; nil: whatever it is.
    package var version: Int?

    package init(
        subscriber: Subscriber? = nil, ttl: Int? = nil, options: [UInt8]? = nil, pace: Pace? = nil
    ) {
        self.subscriber = subscriber
        self.ttl = ttl
        self.options = options
        self.pace = pace
    }
}

/// What becomes of the trust that was made for a subscription.
package enum TrustChange: Sendable, Equatable {
    case stays
    /// Another one was made, and the one before is removed.
    case made(TrustID)
    /// It is removed.
    case ends
}

/// The result of changing a subscription.
package enum SubscriptionUpdate: Sendable, Equatable {
    case updated
    /// This queue has no living subscription of the id.
    case absent
    /// Another living subscription of the queue has that subscriber. Nothing changed.
    case taken
    /// It has another version than the change is for. Nothing changed.
    case changed
}
