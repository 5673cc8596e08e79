package import Domain
import Redis

/// What subscriptions can tell of their attempts.
extension DeliveryStore {
    /// The last attempts made for a subscription, and how many there ever were.
    ///
    /// - Returns: nil when this queue has no living subscription of the id.
    package func attempts(
        of queue: QueueAddress, subscription: SubscriptionID
    ) async throws(StoreError) -> AttemptLog? {
        let keys = self.keyring.shard(of: queue)
        var call = self.runner.call(Scripts.attempts, keys: [keys.headers, keys.attempts])
        call.append(subscription.text)
        call.append(queue.key)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.attempts)
        return reply.isAtEnd ? nil : try AttemptLog(try reply.bytes())
    }
}
