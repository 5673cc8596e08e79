import Domain
import Signing
import Store
import Wire

/// Finds out where deliveries go.
struct Recipients: Sendable {
    private let subscriptions: SubscriptionStore
    private let masterKey: MasterKey
    private let cache = SubscriptionCache()

    init(subscriptions: SubscriptionStore, masterKey: MasterKey) {
        self.subscriptions = subscriptions
        self.masterKey = masterKey
    }

    /// Who gets each of these deliveries; nobody when the subscription is gone.
    ///
    /// All that are not known yet are read in one go.
    ///
    /// - Parameter leases: All of one shard.
    /// - Throws: When Redis could not be asked; then nothing is known about any of them.
    func find(
        _ leases: [Lease], in shard: Int
    ) async throws(StoreError) -> [SubscriptionCache.Key: Recipient] {
        var found: [SubscriptionCache.Key: Recipient] = [:]
        var missing: [SubscriptionID: Lease] = [:]
        for lease in leases {
            let key = lease.recipient
            guard found[key] == nil, missing[lease.subscription] == nil else { continue }
            if let recipient = self.cache[key] { found[key] = recipient } else { missing[lease.subscription] = lease }
        }
        guard !missing.isEmpty else { return found }
        for subscription in try await self.subscriptions.read(Array(missing.keys), in: shard) {
            // Only addresses that could be read were ever kept; one that cannot is as good as gone.
            guard let lease = missing[subscription.id], let subscriber = try? Subscriber(subscription.subscriber) else {
                continue
            }
            let secrets = self.masterKey.webhookSecrets(
                project: lease.queue.project, subscription: lease.subscription, versions: subscription.secret)
            let recipient = Recipient(
                subscriber: subscriber, isConfirmed: subscription.confirmed,
                barredLinkExpiry: subscription.barredLinkExpiry, secrets: secrets,
                options: DeliveryOptions(stored: subscription.options))
            // Changed since the lease was handed out: what it is now counts.
            found[lease.recipient] = recipient
            self.cache.insert(
                recipient, for: SubscriptionCache.Key(subscription: subscription.id, version: subscription.version))
        }
        return found
    }
}

extension Lease {
    /// Under which its recipient is known.
    var recipient: SubscriptionCache.Key {
        SubscriptionCache.Key(subscription: self.subscription, version: self.version)
    }
}
