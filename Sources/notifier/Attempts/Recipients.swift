import Domain
import Signing
import Store

/// Finds out where deliveries go.
struct Recipients: Sendable {
    /// Subscriptions asked for at once.
    private static let readsMax = 64

    private let subscriptions: SubscriptionStore
    private let masterKey: MasterKey
    private let cache = SubscriptionCache()

    init(subscriptions: SubscriptionStore, masterKey: MasterKey) {
        self.subscriptions = subscriptions
        self.masterKey = masterKey
    }

    /// Who gets each of these deliveries; nobody when the subscription is gone.
    ///
    /// - Throws: When Redis could not be asked; then nothing is known about any of them.
    func find(_ leases: [Lease]) async throws(StoreError) -> [SubscriptionCache.Key: Recipient] {
        var found: [SubscriptionCache.Key: Recipient] = [:]
        var missing: [SubscriptionCache.Key: Lease] = [:]
        for lease in leases {
            let key = lease.recipient
            guard found[key] == nil, missing[key] == nil else { continue }
            if let recipient = self.cache[key] { found[key] = recipient } else { missing[key] = lease }
        }
        guard !missing.isEmpty else { return found }
        for (lease, subscription) in try await self.read(missing) {
            // Only addresses that could be read were ever kept; one that cannot is as good as gone.
            guard let subscriber = try? Subscriber(subscription.subscriber) else { continue }
            let secret = self.masterKey.webhookSecret(
                project: lease.queue.project, subscription: lease.subscription, version: WebhookSecret.versionFirst)
            let recipient = Recipient(
                subscriber: subscriber, isConfirmed: subscription.confirmed, secret: secret)
            found[lease.recipient] = recipient
            self.cache.insert(recipient, for: lease.recipient)
        }
        return found
    }

    private func read(_ missing: [SubscriptionCache.Key: Lease]) async throws(StoreError) -> [(Lease, Subscription)] {
        let answers = await withTaskGroup(of: Result<(Lease, Subscription)?, StoreError>.self) { group in
            var answers: [Result<(Lease, Subscription)?, StoreError>] = []
            for (count, lease) in missing.values.enumerated() {
                if count >= Self.readsMax, let answer = await group.next() { answers.append(answer) }
                group.addTask { await self.read(lease) }
            }
            for await answer in group { answers.append(answer) }
            return answers
        }
        var found: [(Lease, Subscription)] = []
        for answer in answers {
            if let pair = try answer.get() { found.append(pair) }
        }
        return found
    }

    private func read(_ lease: Lease) async -> Result<(Lease, Subscription)?, StoreError> {
        do throws(StoreError) {
            let subscription = try await self.subscriptions.get(lease.queue, id: lease.subscription)
            return .success(subscription.map { (lease, $0) })
        } catch {
            return .failure(error)
        }
    }
}

extension Lease {
    /// Under which its recipient is known.
    var recipient: SubscriptionCache.Key {
        SubscriptionCache.Key(subscription: self.subscription, version: self.version)
    }
}
