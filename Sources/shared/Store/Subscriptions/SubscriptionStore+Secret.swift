package import Domain
import Redis

extension SubscriptionStore {
    /// Gives a subscription its next secret.
    ///
    /// - Parameter overlap: Seconds the one before goes on counting; 0 ends it at once. One before that ends in any case.
    /// - Returns: nil when this queue has no living subscription of the id.
    package func rotateSecret(
        _ queue: QueueAddress, id: SubscriptionID, overlap: Int
    ) async throws(StoreError) -> SecretVersions? {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(Scripts.secretRotate, keys: [keys.subscriptions, keys.subscriptionHeaders])
        call.append(id.text)
        call.append(queue.key)
        call.append(overlap * 1000)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.secretRotate)
        guard !reply.isAtEnd else { return nil }
        return SecretVersions(current: try reply.int(), previousUntil: try reply.timestampIfAny())
    }
}
