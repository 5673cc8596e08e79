package import Domain
import Redis

extension SubscriptionStore {
    /// Changes a subscription.
    ///
    /// Links that were sent to another address than the new one count no more.
    ///
    /// - Parameter resettingConfirmation: Whether another subscriber has to confirm anew.
    package func update(
        _ queue: QueueAddress, id: SubscriptionID, _ change: SubscriptionChange, resettingConfirmation: Bool
    ) async throws(StoreError) -> SubscriptionUpdate {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.subscriptionUpdate,
            keys: [
                keys.subscriptions, keys.subscriptionHeaders, keys.subscriptionOrder(queue),
                keys.subscriberAddresses(queue),
                keys.subscriptionExpiries,
            ])
        call.append(id.text)
        call.append(queue.key)
        call.append(change.subscriber?.uri ?? "")
        call.append(change.ttl.map { String($0) } ?? "")
        call.append(change.options ?? [])
        call.append(resettingConfirmation ? 1 : 0)
        call.append(change.pace.field)
        switch try await self.runner.run(call).text {
        case "updated": return .updated
        case "absent": return .absent
        case "taken": return .taken
        case let answer: throw .corrupt("subscription_update.lua answered \(answer ?? "no text")")
        }
    }

    /// Writes down that a subscriber agreed to be notified, or withdrew.
    ///
    /// - Parameter linkExpiry: When the link ends that the subscriber used, seconds since the epoch; nil: the owner says it.
    /// - Returns: false when this queue has no living subscription of the id, or the link was sent to an address that the
    ///   subscription had before.
    package func confirm(
        _ queue: QueueAddress, id: SubscriptionID, _ confirmed: Bool, linkExpiry: Int64? = nil
    ) async throws(StoreError) -> Bool {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(Scripts.subscriptionConfirm, keys: [keys.subscriptionHeaders, keys.subscriptions])
        call.append(id.text)
        call.append(queue.key)
        call.append(confirmed ? 1 : 0)
        call.append(linkExpiry.map { String($0) } ?? "")
        return try await self.runner.run(call).int == 1
    }

    /// Ends every subscription of a queue.
    package func purge(_ queue: QueueAddress) async throws(StoreError) {
        let keys = self.keySpace.shard(of: queue)
        for _ in 0..<Self.purgesMax {
            var call = self.runner.call(
                Scripts.subscriptionDeleteSome,
                keys: [
                    keys.subscriptions, keys.subscriptionHeaders, keys.subscriptionOrder(queue),
                    keys.subscriberAddresses(queue),
                    keys.subscriptionExpiries,
                ])
            call.append(Self.purgeStep)
            guard let more = try await self.runner.run(call).int else {
                throw .corrupt("subscription_delete_some.lua answered no number")
            }
            if more == 0 { return }
        }
        throw .overloaded
    }

    /// Subscriptions ended by one script, and scripts of one purge: 2,500,000 subscriptions in all.
    private static let purgeStep = 250
    private static let purgesMax = 10_000
}
