package import Domain

/// Deliveries of one store that ended without success.
package protocol DeadLetterStorage: Sendable {
    /// Dead letters of a queue in the order in which they ended.
    ///
    /// - Returns: Up to `limit` of them, and where to go on; nil when there are no more.
    func deadLetters(
        of queue: QueueAddress, _ filter: DeadLetterFilter, after: DeadLetterMarker?,
        limit: Int
    ) async throws(StoreError) -> (deadLetters: [DeadLetter], next: DeadLetterMarker?)

    /// Reads one dead letter; nil when the queue has none of the delivery.
    func deadLetter(
        of queue: QueueAddress, subscription: SubscriptionID, position: Position
    ) async throws(StoreError) -> (deadLetter: DeadLetter, content: DeadLetterContent)?

    /// Removes a dead letter, if there is one.
    func discardDeadLetter(
        of queue: QueueAddress, subscription: SubscriptionID, position: Position
    ) async throws(StoreError)

    /// Makes dead letters deliveries again: from their first attempt, and with a life as long as that of a new message.
    ///
    /// Each is removed and enqueued in one step, so nothing is lost or doubled however this ends.
    ///
    /// - Parameters:
    ///   - deadLetters: Up to ``StorageLimits/redrivesMax``.
    ///   - confirmedOnly: The destinations whose subscribers have to confirm; those that did not are left out.
    ///   - due: When the first is due, if that is not past.
    ///   - step: From one to the next.
    /// - Returns: What became of each, and when one more would be due.
    func redrive(
        _ deadLetters: [(subscription: SubscriptionID, position: Position)], of queue: QueueAddress,
        confirmedOnly: Set<Destination>, due: Timestamp?, step: Duration
    ) async throws(StoreError) -> (outcomes: [RedriveOutcome], due: Timestamp)
}
