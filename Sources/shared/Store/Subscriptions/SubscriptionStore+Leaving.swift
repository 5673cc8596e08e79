import Domain
import Redis

extension SubscriptionStore {
    func leave(
        _ queue: QueueAddress, id: SubscriptionID, address: String, returnExpiry: Int64
    ) async throws(StoreError) -> Int64? {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.subscriptionLeave,
            keys: [keys.subscriptionHeaders, keys.subscriptions, keys.subscriptionOrder(queue)])
        call.append(id.text)
        call.append(queue.key)
        call.append(address)
        call.append(String(returnExpiry))
        guard let expiry = try await self.runner.write(call).int64 else {
            throw .corrupt("subscription_leave.lua answered no number")
        }
        return expiry > 0 ? expiry : nil
    }
}
