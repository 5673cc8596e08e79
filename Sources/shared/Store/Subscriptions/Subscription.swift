package import Domain

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
}

/// What became of the wish to subscribe.
package enum SubscribeOutcome: Sendable, Equatable {
    case created
    /// The subscriber already is subscribed to this queue; nothing about the subscription changed.
    case exists(confirmed: Bool)
}
