import Documents
import Domain
import Store

/// What one connection has subscribed: one subscription of a queue at most.
struct SubscribedSession: Sendable {
    struct Subscribed: Sendable, Equatable {
        /// nil while it is being created.
        var id: SubscriptionID?
        var format: FrameFormat
        let options: SessionOptions
        /// Since when the connection has the name.
        var namedSince: ContinuousClock.Instant?
        /// Seconds.
        var ttl = 0
        var renewsAt: ContinuousClock.Instant?
        /// When it ends unless it is renewed, by the clock of this machine.
        var endsAt: ContinuousClock.Instant?
    }

    /// What a renewal has found.
    enum Found: Sendable {
        case renewed
        /// It was ended from elsewhere: it is none of the connection's any more.
        case ended(SessionNodes.Entry, [PendingDeliveries.Pending])
        /// It could not be renewed in time, and has ended by itself: the client is to come back.
        case lapsed
    }

    /// A subscription whose life is to begin anew.
    struct Renewal: Sendable {
        let id: SubscriptionID
        let queue: QueueAddress
        let ttl: Int
    }

    /// Queues of one connection: what it costs the store when it ends is bounded.
    static let queuesMax = 1_000

    /// Queues that one connection follows: each of them waits, and reads.
    static let followedMax = 16

    let id: SessionID
    /// Of these nothing is in the store.
    private var followed: [QueueAddress: SubscriptionID] = [:]
    private var queues: [QueueAddress: Subscribed] = [:]
    var pending = PendingDeliveries()

    init(_ id: SessionID) {
        self.id = id
    }

    /// nil for a queue that the connection has not subscribed to.
    subscript(queue: QueueAddress) -> Subscribed? { self.queues[queue] }

    /// Whether the store has any of it, or is about to.
    var isStored: Bool { !self.queues.isEmpty }

    /// What ends with the connection.
    var entries: [SessionNodes.Entry] {
        self.queues.compactMap { queue, subscribed in subscribed.entry(of: queue) }
    }

    /// A name that the connection has.
    struct Named: Sendable {
        let entry: SessionNames.Entry
        let subscription: SubscriptionID
        let since: ContinuousClock.Instant
        /// Seconds.
        let ttl: Int
        let isRenewed: Bool
    }

    var names: [Named] {
        self.queues.compactMap { queue, subscribed in
            guard let name = subscribed.options.name, let id = subscribed.id, let since = subscribed.namedSince else {
                return nil
            }
            return Named(
                entry: SessionNames.Entry(name, of: queue), subscription: id, since: since, ttl: subscribed.ttl,
                isRenewed: subscribed.options.isRenewed)
        }
    }

    /// A subscription is none of the connection's any more.
    ///
    /// - Returns: What it had there, and was to acknowledge; nil when that is another one by now.
    mutating func remove(
        _ queue: QueueAddress, _ id: SubscriptionID
    ) -> (subscribed: Subscribed, pending: [PendingDeliveries.Pending])? {
        guard let subscribed = self.queues[queue], subscribed.id == id else { return nil }
        self.queues[queue] = nil
        return (subscribed, self.pending.endAll(of: queue))
    }

    /// A subscription is about to be created.
    ///
    /// - Returns: The one there is, for ``restore(_:_:)`` if it is not.
    /// - Throws: ``Refusal/requestInvalid(_:)`` when there are too many, ``Refusal/subscriptionExists(id:)`` for a queue
    ///   that the connection follows.
    mutating func begin(
        _ queue: QueueAddress, _ options: SessionOptions, _ format: FrameFormat
    ) throws(Refusal) -> Subscribed? {
        if let id = self.followed[queue] { throw .subscriptionExists(id: id.text) }
        if let earlier = self.queues[queue] { return earlier }
        guard self.queues.count < Self.queuesMax else {
            throw .requestInvalid("A connection may subscribe to at most \(Self.queuesMax) queues.")
        }
        self.queues[queue] = Subscribed(format: format, options: options)
        return nil
    }

    mutating func restore(_ queue: QueueAddress, _ earlier: Subscribed?) { self.queues[queue] = earlier }

    /// What the connection has subscribed there, as far as it knows.
    func subscription(of queue: QueueAddress) -> SubscriptionID? { self.queues[queue]?.id }

    /// The connection follows a queue, which it has not subscribed otherwise, or not any more.
    ///
    /// - Returns: What it has no more.
    /// - Throws: ``Refusal/requestInvalid(_:)`` when there are too many, ``Refusal/subscriptionExists(id:)`` for a queue
    ///   that it follows.
    mutating func follow(_ queue: QueueAddress, as id: SubscriptionID) throws(Refusal) -> SessionNodes.Entry? {
        if let there = self.followed[queue] { throw .subscriptionExists(id: there.text) }
        guard self.followed.count < Self.followedMax else {
            throw .requestInvalid("A connection may follow at most \(Self.followedMax) queues.")
        }
        self.followed[queue] = id
        return self.queues.removeValue(forKey: queue)?.id.map { SessionNodes.Entry($0, of: queue) }
    }

    /// - Returns: Whether it followed it.
    mutating func unfollow(_ queue: QueueAddress, _ id: SubscriptionID) -> Bool {
        guard self.followed[queue] == id else { return false }
        self.followed[queue] = nil
        return true
    }

    mutating func subscribed(
        _ id: SubscriptionID, _ options: SessionOptions, _ format: FrameFormat, to queue: QueueAddress, ttl: Int,
        at now: ContinuousClock.Instant
    ) {
        var subscribed = Subscribed(
            id: id, format: format, options: options, namedSince: options.name == nil ? nil : now, ttl: ttl)
        subscribed.renew(at: now)
        self.queues[queue] = subscribed
    }

    /// When the first of its subscriptions is to be renewed; nil while it has none.
    var renewsAt: ContinuousClock.Instant? { self.queues.values.compactMap(\.renewsAt).min() }

    func renewals(at now: ContinuousClock.Instant) -> [Renewal] {
        self.queues.compactMap { queue, subscribed in
            guard let id = subscribed.id, let time = subscribed.renewsAt, time <= now else { return nil }
            return Renewal(id: id, queue: queue, ttl: subscribed.ttl)
        }
    }

    /// - Returns: nil when the subscription is another one by now.
    mutating func renewed(_ renewal: Renewal, isThere: Bool, at now: ContinuousClock.Instant) -> Found? {
        guard let subscribed = self.queues[renewal.queue], subscribed.id == renewal.id else { return nil }
        if isThere {
            self.queues[renewal.queue]?.renew(at: now)
            return .renewed
        }
        self.queues[renewal.queue] = nil
        let hasLapsed = subscribed.endsAt.map { now >= $0 } ?? false
        return hasLapsed
            ? .lapsed
            : .ended(SessionNodes.Entry(renewal.id, of: renewal.queue), self.pending.endAll(of: renewal.queue))
    }
}

extension SubscribedSession.Subscribed {
    /// What ends with the connection of it; nil while it is being created, and where it has a name.
    func entry(of queue: QueueAddress) -> SessionNodes.Entry? {
        self.options.name == nil ? self.id.map { SessionNodes.Entry($0, of: queue) } : nil
    }

    /// After a third of its life: two renewals may fail.
    fileprivate mutating func renew(at now: ContinuousClock.Instant) {
        guard self.options.isRenewed else { return }
        self.renewsAt = now + .milliseconds(Int64(self.ttl) * 1000 / 3)
        self.endsAt = now + .seconds(self.ttl)
    }
}
