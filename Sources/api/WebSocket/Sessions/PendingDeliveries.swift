import Domain
import Store

/// The messages that one session has been sent and is to acknowledge.
struct PendingDeliveries: Sendable {
    /// An attempt that ends when its message is acknowledged.
    struct Pending: Sendable, Equatable {
        let queue: QueueAddress
        /// The one that has the attempt now.
        var notifier: String
        var attempt: UInt64
        /// When it is over: the message is sent again.
        let endsAt: ContinuousClock.Instant
    }

    private var all: [DeliveryID: Pending] = [:]

    /// A message is about to be sent.
    ///
    /// - Returns: Until when it may be acknowledged, and whether the session has it already: another notifier has taken it over.
    mutating func begin(
        _ delivery: DeliveryID, of queue: QueueAddress, from notifier: String, attempt: UInt64, for timeout: Int,
        at now: ContinuousClock.Instant
    ) -> (endsAt: ContinuousClock.Instant, isThere: Bool) {
        if let there = self.all[delivery], there.endsAt > now {
            self.all[delivery]?.notifier = notifier
            self.all[delivery]?.attempt = attempt
            return (there.endsAt, true)
        }
        let endsAt = now + .seconds(timeout)
        self.all[delivery] = Pending(queue: queue, notifier: notifier, attempt: attempt, endsAt: endsAt)
        return (endsAt, false)
    }

    /// - Returns: nil for one that is not there, is of another queue, or is over.
    mutating func end(
        _ delivery: DeliveryID, of queue: QueueAddress, at now: ContinuousClock.Instant
    ) -> Pending? {
        guard let pending = self.all[delivery], pending.queue == queue, pending.endsAt > now else { return nil }
        self.all[delivery] = nil
        return pending
    }

    /// Takes back what ``end(_:of:at:)`` has given, for the store did not take it.
    mutating func restore(_ delivery: DeliveryID, _ pending: Pending) {
        if self.all[delivery] == nil { self.all[delivery] = pending }
    }

    mutating func endAll(of queue: QueueAddress) -> [Pending] {
        let ended = self.all.filter { $0.value.queue == queue }
        for id in ended.keys { self.all[id] = nil }
        return Array(ended.values)
    }

    /// Removes what is over.
    mutating func timePassed(at now: ContinuousClock.Instant) {
        self.all = self.all.filter { $0.value.endsAt > now }
    }
}
