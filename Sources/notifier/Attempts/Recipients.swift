package import Documents
package import Domain
import Mail
import NIOConcurrencyHelpers
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

    /// How long what a queue says of the form of deliveries is known.
    private static let queueAgeMax = Duration.seconds(10)
    /// How long the signing keys of a project are known here, which may be as old as ``ProjectSigningKeys`` has them.
    private static let keyAgeMax = Duration.seconds(5)
    /// The same where they are not known yet.
    private static let missingKeyAgeMax = Duration.seconds(1)

    private let subscriptions: any SubscriptionStorage
    private let queues: any QueueStorage
    private let masterKey: MasterKey
    private let signingKeys: ProjectSigningKeys
    private let channels: Channels
    private let cache = SubscriptionCache<Recipient>()

    /// - Parameters:
    ///   - signingKeys: Those of projects, read for subscriptions that ask for asymmetric signatures alone.
    ///   - channels: Say what they have to know of a subscriber.
    package init(
        subscriptions: any SubscriptionStorage, queues: any QueueStorage, masterKey: MasterKey,
        signingKeys: ProjectSigningKeys, channels: Channels
    ) {
        self.subscriptions = subscriptions
        self.queues = queues
        self.masterKey = masterKey
        self.signingKeys = signingKeys
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
        var last: SubscriptionVersion?
        let now = ContinuousClock.now
        for lease in leases {
            let key = lease.recipient
            // Those of one subscription often come together.
            if key == last, let same = found.last {
                found.append(same)
                if case .gone = same { missing.append((found.count - 1, lease)) }
                continue
            }
            last = key
            if let recipient = self.cache[key], recipient.expiresAt.map({ now < $0 }) ?? true {
                found.append(.known(recipient))
            } else {
                missing.append((found.count, lease))
                found.append(.gone)
            }
        }
        guard !missing.isEmpty else { return found }
        let read = try await self.subscriptions.read(
            Array(Set(missing.map(\.lease.subscription))), in: shard, orEnded: false)
        var answers: [SubscriptionID: Found] = [:]
        for id in read.unreadable { answers[id] = .unreadable }
        let queues = try await self.mailOptions(of: missing.map(\.lease), read)
        for (index, lease) in missing {
            guard answers[lease.subscription] == nil else {
                found[index] = answers[lease.subscription] ?? .gone
                continue
            }
            var answer = Found.gone
            if let subscription = read.subscriptions[lease.subscription] {
                answer = await self.recipient(subscription, of: lease, mail: queues[lease.queue], at: now)
            }
            answers[lease.subscription] = answer
            found[index] = answer
        }
        return found
    }

    /// What those queues say of mails whose subscriptions inherit the form of their deliveries.
    private func mailOptions(
        of leases: [Lease], _ read: SubscriptionsRead
    ) async throws(StoreError) -> [QueueAddress: MailOptions] {
        var wanted: Set<QueueAddress> = []
        for lease in leases where !wanted.contains(lease.queue) {
            guard let text = read.subscriptions[lease.subscription]?.subscriber,
                (try? Subscriber(stored: text))?.scheme.destination.inheritsForm == true
            else { continue }
            wanted.insert(lease.queue)
        }
        guard !wanted.isEmpty else { return [:] }
        let queues = Array(wanted)
        var found: [QueueAddress: MailOptions] = [:]
        for (queue, stored) in zip(queues, try await self.queues.metadata(of: queues)) {
            // A subscription outlives its queue, which then says nothing.
            found[queue] = stored.flatMap { QueueMetadata(stored: $0)?.mail }
        }
        return found
    }

    /// What was read, kept for the next leases.
    ///
    /// - Parameter mail: What the queue says; nil: nothing.
    private func recipient(
        _ subscription: Subscription, of lease: Lease, mail: MailOptions?, at now: ContinuousClock.Instant
    ) async -> Found {
        // Only addresses and options that could be read were ever stored: another version read them.
        guard let subscriber = try? Subscriber(stored: subscription.subscriber),
            let own = DeliveryOptions(stored: subscription.options)
        else { return .unreadable }
        let options = mail.map { own.filled(from: $0) } ?? own
        let secrets = self.masterKey.webhookSecrets(
            project: lease.queue.project, subscription: lease.subscription, versions: subscription.secret)
        let destination = subscriber.scheme.destination
        var keys: WebhookSigningKeys?
        var ageMax = destination.inheritsForm ? Self.queueAgeMax : nil
        if destination == .webhook, options.signatures.includesAsymmetric {
            keys = await self.signingKeys.keys(of: lease.queue.project)
            ageMax = keys == nil ? Self.missingKeyAgeMax : Self.keyAgeMax
        }
        let recipient = Recipient(
            destination: destination,
            target: self.channels[destination]?.target(
                subscriber.uri, of: lease.subscription, in: lease.queue, options: options, secrets: secrets,
                keys: keys),
            isConfirmed: subscription.confirmed, isAsked: subscription.isAsked,
            barredLinkExpiry: subscription.barredLinkExpiry, options: options,
            expiresAt: ageMax.map { now + $0 })
        self.cache.insert(
            recipient, bytes: recipient.byteCount,
            for: SubscriptionVersion(subscription: subscription.id, version: subscription.version))
        return .known(recipient)
    }
}

extension Lease {
    /// Under which its recipient is known.
    var recipient: SubscriptionVersion {
        SubscriptionVersion(subscription: self.subscription, version: self.version)
    }
}

/// What an attempt has to know about its subscription; shared by all attempts of it.
package final class Recipient: Sendable {
    package let destination: Destination
    /// What the channel of its destination knows of it; nil: there is none.
    package let target: (any ChannelTarget)?
    package let isConfirmed: Bool
    /// Whether its address was sent a link that still counts, to confirm or to come back.
    package let isAsked: Bool
    /// Links of confirmations that expire no later than this, seconds since the epoch, count no more: they were sent to
    /// another address.
    package let barredLinkExpiry: Int64
    /// nil: the subscription has none of its own.
    package let retryPolicy: RetryPolicy?
    /// Whether the answer that the subscriber is gone disables the subscription.
    package let disablesOnGone: Bool

    /// Until when it is known; nil: while its subscription does not change.
    let expiresAt: ContinuousClock.Instant?

    /// Bytes that its address and its options take here.
    package var byteCount: Int { self.target?.byteCount ?? 0 }

    package init(
        destination: Destination, target: (any ChannelTarget)?, isConfirmed: Bool, isAsked: Bool = false,
        barredLinkExpiry: Int64 = 0, options: DeliveryOptions = DeliveryOptions(),
        expiresAt: ContinuousClock.Instant? = nil
    ) {
        self.destination = destination
        self.target = target
        self.isConfirmed = isConfirmed
        self.isAsked = isAsked
        self.barredLinkExpiry = barredLinkExpiry
        self.retryPolicy = options.retryPolicy
        self.disablesOnGone = options.disablesOnGone
        self.expiresAt = expiresAt
    }
}
