package import Domain
import Redis

extension SubscriptionStore {
    /// Writes down that a subscriber left by a link of a mail; links that were sent to it before confirm no more.
    ///
    /// Leaving again changes nothing. It works while Redis takes no other writes because its memory is full.
    ///
    /// - Parameters:
    ///   - address: The subscriber, as it was read: another one meanwhile is not what the link was sent to.
    ///   - returnExpiry: When the link for a return is to end, seconds since the epoch.
    /// - Returns: When the link for a return ends, no sooner than asked for; nil when this queue has no living subscription of
    ///   the id, or it has another address.
    package func leave(
        _ queue: QueueAddress, id: SubscriptionID, address: String, returnExpiry: Int64
    ) async throws(StoreError) -> Int64? {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(Scripts.subscriptionLeave, keys: [keys.subscriptionHeaders, keys.subscriptions])
        call.append(id.text)
        call.append(queue.key)
        call.append(address)
        call.append(String(returnExpiry))
        guard let expiry = try await self.runner.run(call).int64 else {
            throw .corrupt("subscription_leave.lua answered no number")
        }
        return expiry > 0 ? expiry : nil
    }
}
