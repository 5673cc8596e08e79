package import Documents
package import Domain
package import Filters
import Mail
import NIOConcurrencyHelpers
package import Signing
package import Store

/// Finds out where deliveries go.
package struct Recipients: Sendable {
    /// A subscription at one version.
    package struct Wanted: Sendable, Hashable {
        package let key: SubscriptionCache.Key
        package let queue: QueueAddress

        package init(_ subscription: SubscriptionID, version: Int, of queue: QueueAddress) {
            self.key = SubscriptionCache.Key(subscription: subscription, version: version)
            self.queue = queue
        }
    }

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

    private let subscriptions: any SubscriptionStorage
    private let queues: any QueueStorage
    private let masterKey: MasterKey
    private let channels: Channels
    private let cache = SubscriptionCache()

    /// - Parameter channels: Say what they have to know of a subscriber.
    package init(
        subscriptions: any SubscriptionStorage, queues: any QueueStorage, masterKey: MasterKey, channels: Channels
    ) {
        self.subscriptions = subscriptions
        self.queues = queues
        self.masterKey = masterKey
        self.channels = channels
    }

    /// Where the deliveries of each of these subscriptions go, in their order.
    ///
    /// All that are not known yet are read in one go. What a subscription is when it is read counts for all of its deliveries,
    /// whatever it was when they were handed out.
    ///
    /// - Parameter wanted: All of one shard; one may be there several times.
    /// - Throws: When Redis could not be asked; then nothing is known about any of them.
    package func find(
        _ wanted: some Collection<Wanted>, in shard: Int
    ) async throws(StoreError) -> [Found] {
        var found: [Found] = []
        found.reserveCapacity(wanted.count)
        var missing: [(index: Int, one: Wanted)] = []
        var last: SubscriptionCache.Key?
        let now = ContinuousClock.now
        for one in wanted {
            // Those of one subscription often come together.
            if one.key == last, let same = found.last {
                found.append(same)
                if case .gone = same { missing.append((found.count - 1, one)) }
                continue
            }
            last = one.key
            if let recipient = self.cache[one.key], recipient.expiresAt.map({ now < $0 }) ?? true {
                found.append(.known(recipient))
            } else {
                missing.append((found.count, one))
                found.append(.gone)
            }
        }
        guard !missing.isEmpty else { return found }
        let read = try await self.subscriptions.read(Array(Set(missing.map(\.one.key.subscription))), in: shard)
        var answers: [SubscriptionID: Found] = [:]
        for id in read.unreadable { answers[id] = .unreadable }
        let queues = try await self.mailOptions(of: missing.map(\.one), read)
        for (index, one) in missing {
            let id = one.key.subscription
            guard answers[id] == nil else {
                found[index] = answers[id] ?? .gone
                continue
            }
            let answer =
                read.subscriptions[id].map { self.recipient($0, in: one.queue, mail: queues[one.queue], at: now) } ?? .gone
            answers[id] = answer
            found[index] = answer
        }
        return found
    }

    /// What those queues say of mails whose subscriptions inherit the form of their deliveries.
    private func mailOptions(
        of missing: [Wanted], _ read: SubscriptionsRead
    ) async throws(StoreError) -> [QueueAddress: MailOptions] {
        var asked: Set<QueueAddress> = []
        for one in missing where !asked.contains(one.queue) {
            guard let text = read.subscriptions[one.key.subscription]?.subscriber,
                (try? Subscriber(stored: text))?.scheme.destination.inheritsForm == true
            else { continue }
            asked.insert(one.queue)
        }
        guard !asked.isEmpty else { return [:] }
        let queues = Array(asked)
        var found: [QueueAddress: MailOptions] = [:]
        for (queue, stored) in zip(queues, try await self.queues.metadata(of: queues)) {
            // A subscription outlives its queue, which then says nothing.
            found[queue] = stored.flatMap { QueueMetadata(stored: $0)?.mail }
        }
        return found
    }

    /// What was read, kept for the next deliveries.
    ///
    /// - Parameter mail: What the queue says; nil: nothing.
    private func recipient(
        _ subscription: Subscription, in queue: QueueAddress, mail: MailOptions?, at now: ContinuousClock.Instant
    ) -> Found {
        // Only addresses and options that could be read were ever stored: another version read them.
        guard let subscriber = try? Subscriber(stored: subscription.subscriber),
            let own = DeliveryOptions(stored: subscription.options)
        else { return .unreadable }
        let options = mail.map { own.filled(from: $0) } ?? own
        let secrets = self.masterKey.webhookSecrets(
            project: queue.project, subscription: subscription.id, versions: subscription.secret)
        let destination = subscriber.scheme.destination
        let recipient = Recipient(
            destination: destination,
            target: self.channels[destination]?.target(
                subscriber.uri, of: subscription.id, in: queue, options: options, secrets: secrets),
            isConfirmed: subscription.confirmed, isAsked: subscription.isAsked,
            barredLinkExpiry: subscription.barredLinkExpiry, options: options,
            expiresAt: destination.inheritsForm ? now + Self.queueAgeMax : nil)
        self.cache.insert(
            recipient, for: SubscriptionCache.Key(subscription: subscription.id, version: subscription.version))
        return .known(recipient)
    }
}

extension Lease {
    /// Under which its recipient is known.
    var recipient: Recipients.Wanted {
        Recipients.Wanted(self.subscription, version: self.version, of: self.queue)
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
    /// nil: it gets every message.
    package let filter: FilterPolicy?
    /// Whether the answer that the subscriber is gone disables the subscription.
    package let disablesOnGone: Bool

    /// Until when it is known; nil: while its subscription does not change.
    let expiresAt: ContinuousClock.Instant?

    /// Bytes that its address and its options take here.
    ///
    /// What is made of a policy takes some times its text.
    package var byteCount: Int { (self.target?.byteCount ?? 0) + 4 * (self.filter?.text.utf8.count ?? 0) }

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
        self.filter = options.filter
        self.disablesOnGone = options.disablesOnGone
        self.expiresAt = expiresAt
    }
}

/// The recipients of the latest deliveries, so that the next message needs no call of Redis for them.
///
/// An entry is good for one version of its subscription; a change of the subscription changes the version in the next
/// lease, which then finds nothing here. Two generations bound it: when the younger one is full it becomes the older one,
/// and what was not looked up meanwhile is gone.
package final class SubscriptionCache: Sendable {
    package struct Key: Hashable, Sendable {
        package let subscription: SubscriptionID
        package let version: Int

        package init(subscription: SubscriptionID, version: Int) {
            self.subscription = subscription
            self.version = version
        }
    }

    private struct State {
        var younger: [Key: Recipient] = [:]
        var youngerBytes = 0
        var older: [Key: Recipient] = [:]
    }

    private let generationMax: Int
    private let bytesMax: Int
    private let state = NIOLockedValueBox(State())

    /// - Parameters:
    ///   - generationMax: Entries of one generation; at most twice as many are kept.
    ///   - bytesMax: Bytes of one generation's options, likewise.
    package init(generationMax: Int = 16_384, bytesMax: Int = 8 << 20) {
        self.generationMax = generationMax
        self.bytesMax = bytesMax
    }

    package subscript(key: Key) -> Recipient? {
        self.state.withLockedValue { state in
            if let recipient = state.younger[key] { return recipient }
            guard let recipient = state.older[key] else { return nil }
            self.insert(recipient, for: key, into: &state)
            return recipient
        }
    }

    package func insert(_ recipient: Recipient, for key: Key) {
        self.state.withLockedValue { self.insert(recipient, for: key, into: &$0) }
    }

    private func insert(_ recipient: Recipient, for key: Key, into state: inout State) {
        if state.younger.count >= self.generationMax || state.youngerBytes >= self.bytesMax {
            state.older = state.younger
            state.younger = [:]
            state.youngerBytes = 0
        }
        state.youngerBytes += recipient.byteCount - (state.younger[key]?.byteCount ?? 0)
        state.younger[key] = recipient
    }
}
