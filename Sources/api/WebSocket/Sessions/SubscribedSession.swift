import Domain
import Store

/// What one connection has subscribed: one subscription of a queue at most.
struct SubscribedSession: Sendable {
    struct Subscribed: Sendable, Equatable {
        /// nil while it is being created.
        var id: SubscriptionID?
        var format: FrameFormat
        /// Seconds.
        var ttl = 0
        var renewsAt: ContinuousClock.Instant?
    }

    /// A subscription whose life is to begin anew.
    struct Renewal: Sendable {
        let id: SubscriptionID
        let queue: QueueAddress
        let ttl: Int
    }

    let id: SessionID
    private var queues: [QueueAddress: Subscribed] = [:]

    init(_ id: SessionID) {
        self.id = id
    }

    /// nil for a queue that the connection has not subscribed to.
    func format(of queue: QueueAddress) -> FrameFormat? { self.queues[queue]?.format }

    var entries: [SessionNodes.Entry] {
        self.queues.compactMap { queue, subscribed in subscribed.id.map { SessionNodes.Entry($0, of: queue) } }
    }

    /// A subscription is about to be created.
    ///
    /// - Returns: The one there is, for ``restore(_:_:)`` if it is not.
    mutating func begin(_ queue: QueueAddress, _ format: FrameFormat) -> Subscribed? {
        let earlier = self.queues[queue]
        if earlier == nil { self.queues[queue] = Subscribed(format: format) }
        return earlier
    }

    mutating func restore(_ queue: QueueAddress, _ earlier: Subscribed?) { self.queues[queue] = earlier }

    mutating func subscribed(
        _ id: SubscriptionID, format: FrameFormat, to queue: QueueAddress, ttl: Int, at now: ContinuousClock.Instant
    ) {
        self.queues[queue] = Subscribed(id: id, format: format, ttl: ttl, renewsAt: Self.renewal(ttl, now))
    }

    /// When the first of its subscriptions is to be renewed; nil while it has none.
    var renewsAt: ContinuousClock.Instant? { self.queues.values.compactMap(\.renewsAt).min() }

    func renewals(at now: ContinuousClock.Instant) -> [Renewal] {
        self.queues.compactMap { queue, subscribed in
            guard let id = subscribed.id, let time = subscribed.renewsAt, time <= now else { return nil }
            return Renewal(id: id, queue: queue, ttl: subscribed.ttl)
        }
    }

    /// - Parameter isThere: False when it was ended from elsewhere: then it is none of the connection's any more.
    mutating func renewed(_ renewal: Renewal, isThere: Bool, at now: ContinuousClock.Instant) {
        guard self.queues[renewal.queue]?.id == renewal.id else { return }
        if isThere {
            self.queues[renewal.queue]?.renewsAt = Self.renewal(renewal.ttl, now)
        } else {
            self.queues[renewal.queue] = nil
        }
    }

    /// After a third of its life: two renewals may fail.
    private static func renewal(_ ttl: Int, _ now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        now + .milliseconds(Int64(ttl) * 1000 / 3)
    }
}
