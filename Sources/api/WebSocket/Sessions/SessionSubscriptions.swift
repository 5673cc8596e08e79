package import Documents
package import Domain

/// A subscription of a connection.
package struct SessionSubscribed: Sendable {
    package let id: SubscriptionID
    /// Whether it was there: the connection goes on with it.
    package let isResumed: Bool
    /// Where it began to follow the queue, as a client names it; nil: it is notified.
    package let place: String?

    package init(_ id: SubscriptionID, isResumed: Bool = false, place: String? = nil) {
        self.id = id
        self.isResumed = isResumed
        self.place = place
    }
}

/// What a client says of messages that it has been sent.
package enum DeliveryAnswer: Sendable, Equatable {
    /// It has them: they are delivered.
    case acknowledged
    /// It wants them again.
    ///
    /// - seconds: Not before; nil: by the retry policy of the subscription.
    case rejected(seconds: Int?)
}

/// Subscriptions whose messages are written to a connection.
package protocol SessionSubscriptions: Sendable {
    /// Subscribes a connection to a queue, and creates the queue if it does not exist.
    ///
    /// A body that says where it begins has the connection follow the queue itself, and creates nothing.
    ///
    /// - Parameter format: Of the notifications: that of the request.
    /// - Throws: `Refusal`, with `subscriptionExists` for a second one of a connection to a queue, or
    ///   `StoreError`.
    func subscribe(
        _ session: SessionID, to queue: QueueAddress, _ body: SessionSubscriptionBody, format: FrameFormat,
        now: Timestamp
    ) async throws -> SessionSubscribed

    /// Ends what follows a queue for a connection.
    ///
    /// - Returns: False for any other subscription.
    func unfollow(_ session: SessionID, _ id: SubscriptionID, of queue: QueueAddress) -> Bool

    /// A connection says of messages that it has them, or asks for them again.
    ///
    /// - Returns: Those that wait for no word of it: their time is over, or they were sent to another connection.
    /// - Throws: `StoreError`; then nothing of it has happened.
    func answer(
        _ session: SessionID, _ deliveries: [DeliveryID], of queue: QueueAddress, _ answer: DeliveryAnswer
    ) async throws -> [DeliveryID]

    /// A subscription was deleted by a connection, perhaps its own.
    func removed(_ session: SessionID, _ id: SubscriptionID, of queue: QueueAddress) async

    /// Ends what a connection has subscribed; called once, after its last request.
    func ended(_ session: SessionID) async
}
