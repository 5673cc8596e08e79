package import Domain

/// The claims on messages of queues of one store.
///
/// A claim ends by itself: its messages are free from that moment on, at their old place in the order.
package protocol ClaimStorage: Sendable {
    /// Puts a claim on the oldest messages of a queue that are neither claimed nor delayed.
    ///
    /// A message that would end before the claim is prolonged to outlive it by `grace`. One that was claimed as often as
    /// its queue allows is moved to the queue's dead-letter queue instead, and does not count.
    ///
    /// - Parameters:
    ///   - limit: Up to ``StorageLimits/claimMessagesMax``.
    ///   - ttl: Seconds the claim holds.
    ///   - grace: Seconds.
    /// - Returns: nil when there is nothing to claim, or no such queue. Fewer than `limit` messages also when more than
    ///   one call may look at lies between them.
    func create(
        _ queue: QueueAddress, limit: Int, ttl: Int, grace: Int
    ) async throws(StoreError) -> NewClaim?

    /// Reads an active claim; nil when this queue has none of the id.
    func get(_ queue: QueueAddress, id: ClaimID) async throws(StoreError) -> Claim?

    /// Lets an active claim start anew, with another ttl; its messages are prolonged as when they were claimed.
    ///
    /// - Returns: false when this queue has none of the id.
    func update(
        _ queue: QueueAddress, id: ClaimID, ttl: Int, grace: Int
    ) async throws(StoreError) -> Bool

    /// Ends a claim, if there is one of the id: its messages are free at once, at their old place.
    func release(_ queue: QueueAddress, id: ClaimID) async throws(StoreError)
}
