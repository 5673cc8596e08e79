import Documents
import Domain
import Filters
import Store

/// The filter policies of subscriptions, kept for the next messages.
///
/// They lie apart from the recipients of deliveries: a project whose policies refuse everything must not push out what others send with.
final class FilterPolicies: Sendable {
    private let subscriptions: any SubscriptionStorage
    private let cache = SubscriptionCache<FilterPolicy?>(bytesMax: 32 << 20)

    init(_ subscriptions: any SubscriptionStorage) {
        self.subscriptions = subscriptions
    }

    /// The policies of these recipients; one that has none, is gone or cannot be read is not in it.
    ///
    /// - Parameter recipients: All of one shard.
    /// - Throws: When Redis could not be asked.
    func find(
        _ recipients: [UndecidedEvent.Recipient], in shard: Int
    ) async throws(StoreError) -> [SubscriptionID: FilterPolicy] {
        var found: [SubscriptionID: FilterPolicy] = [:]
        var missing: Set<SubscriptionID> = []
        for one in recipients {
            guard let id = one.subscription, let version = one.version else { continue }
            let key = SubscriptionVersion(subscription: id, version: version)
            if let known = self.cache[key] { found[id] = known } else { missing.insert(id) }
        }
        guard !missing.isEmpty else { return found }
        for (id, subscription) in try await self.subscriptions
            .read(Array(missing), in: shard, orEnded: true).subscriptions
        {
            let filter = DeliveryOptions(stored: subscription.options)?.filter
            found[id] = filter
            self.cache.insert(
                filter, bytes: filter?.byteCount ?? 0,
                for: SubscriptionVersion(subscription: id, version: subscription.version))
        }
        return found
    }
}
