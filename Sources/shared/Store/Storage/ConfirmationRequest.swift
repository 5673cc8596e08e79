package import Domain

/// A confirmation to be delivered: of a subscription, or of its end.
package struct ConfirmationRequest: Sendable, Equatable {
    package let kind: NotificationKind
    /// The address it goes to.
    package let subscriber: String
    /// When it may be sent, see ``ConfirmationSchedule``.
    package let at: Timestamp
    /// Seconds until its link expires; it is not attempted after that.
    package let ttl: Int
    /// When its link expires, seconds since the epoch.
    package let linkExpiry: Int64
    /// The JSON object to send.
    package let document: [UInt8]

    /// - Parameter kind: Of a confirmation.
    package init(
        kind: NotificationKind, subscriber: String, at: Timestamp, ttl: Int, linkExpiry: Int64, document: [UInt8]
    ) {
        precondition(kind.isConfirmation, "the kind of a confirmation")
        self.kind = kind
        self.subscriber = subscriber
        self.at = at
        self.ttl = ttl
        self.linkExpiry = linkExpiry
        self.document = document
    }
}

/// The result of requesting a confirmation.
package enum ConfirmationOutcome: Sendable, Equatable {
    /// It is sent when it is due.
    case requested
    /// The same confirmation waits already, and is sent in its place.
    case alreadyWaiting
    /// Nothing was written: addresses that the subscription had before were sent links that expire as late as this second.
    ///
    /// A link has to expire later, so that it can be distinguished from those.
    case barred(until: Int64)
    /// This queue has no living subscription of the id, or it has another address.
    case absent
}
