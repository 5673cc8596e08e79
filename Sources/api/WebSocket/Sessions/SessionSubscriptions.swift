package import Documents
package import Domain

/// Subscriptions whose messages are written to a connection.
package protocol SessionSubscriptions: Sendable {
    /// Subscribes a connection to a queue, and creates the queue if it does not exist.
    ///
    /// - Parameter format: Of the notifications: that of the request.
    /// - Throws: `Refusal`, with `subscriptionExists` for a second one of a connection to a queue, or
    ///   `StoreError`.
    func subscribe(
        _ session: SessionID, to queue: QueueAddress, _ body: SessionSubscriptionBody, format: FrameFormat,
        now: Timestamp
    ) async throws -> SubscriptionID

    /// Ends what a connection has subscribed; called once, after its last request.
    func ended(_ session: SessionID) async
}
