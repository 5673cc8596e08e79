import Documents
import Domain
package import Signing
package import Store

/// Finds out where deliveries go.
package struct Recipients: Sendable {
    /// Where one delivery goes.
    package enum Found: Sendable {
        case known(Recipient)
        /// Nowhere: the subscription has ended.
        case gone
        /// Its subscription cannot be read here, though perhaps by a newer notifier.
        case unreadable
    }

    private let subscriptions: SubscriptionStore
    private let masterKey: MasterKey
    private let channels: Channels
    private let cache = SubscriptionCache()

    /// - Parameter channels: Say what they have to know of a subscriber.
    package init(subscriptions: SubscriptionStore, masterKey: MasterKey, channels: Channels) {
        self.subscriptions = subscriptions
        self.masterKey = masterKey
        self.channels = channels
    }

    /// Where each of these deliveries goes, in their order.
    ///
    /// All that are not known yet are read in one go. What a subscription is when it is read counts for all of its leases,
    /// whatever it was when they were handed out.
    ///
    /// - Parameter leases: All of one shard.
    /// - Throws: When Redis could not be asked; then nothing is known about any of them.
    package func find(
        _ leases: some Collection<Lease>, in shard: Int
    ) async throws(StoreError) -> [Found] {
        var found: [Found] = []
        found.reserveCapacity(leases.count)
        var missing: [(index: Int, lease: Lease)] = []
        var last: SubscriptionCache.Key?
        for lease in leases {
            let key = lease.recipient
            // Those of one subscription often come together.
            if key == last, let same = found.last {
                found.append(same)
                if case .gone = same { missing.append((found.count - 1, lease)) }
                continue
            }
            last = key
            if let recipient = self.cache[key] {
                found.append(.known(recipient))
            } else {
                missing.append((found.count, lease))
                found.append(.gone)
            }
        }
        guard !missing.isEmpty else { return found }
        let read = try await self.subscriptions.read(Array(Set(missing.map(\.lease.subscription))), in: shard)
        var answers: [SubscriptionID: Found] = [:]
        for id in read.unreadable { answers[id] = .unreadable }
        for (index, lease) in missing {
            guard answers[lease.subscription] == nil else {
                found[index] = answers[lease.subscription] ?? .gone
                continue
            }
            let answer = read.subscriptions[lease.subscription].map { self.recipient($0, of: lease) } ?? .gone
            answers[lease.subscription] = answer
            found[index] = answer
        }
        return found
    }

    /// What was read, kept for the next leases.
    private func recipient(_ subscription: Subscription, of lease: Lease) -> Found {
        // Only addresses that could be read were ever kept: another version read it.
        guard let subscriber = try? Subscriber(subscription.subscriber) else { return .unreadable }
        let secrets = self.masterKey.webhookSecrets(
            project: lease.queue.project, subscription: lease.subscription, versions: subscription.secret)
        let options = DeliveryOptions(stored: subscription.options)
        let destination = subscriber.scheme.destination
        let recipient = Recipient(
            destination: destination,
            target: self.channels[destination]?.target(
                subscriber.uri, of: lease.subscription, options: options, secrets: secrets),
            isConfirmed: subscription.confirmed, barredLinkExpiry: subscription.barredLinkExpiry, options: options)
        self.cache.insert(
            recipient, for: SubscriptionCache.Key(subscription: subscription.id, version: subscription.version))
        return .known(recipient)
    }
}

extension Lease {
    /// Under which its recipient is known.
    var recipient: SubscriptionCache.Key {
        SubscriptionCache.Key(subscription: self.subscription, version: self.version)
    }
}
