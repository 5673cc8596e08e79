import Domain
import Store

/// The messages that one session has been sent and is to acknowledge, and the answers it has given lately.
///
/// A message may come again from another notifier, which does not know what the session has, or has said.
struct PendingDeliveries: Sendable {
    /// An attempt that ends when its message is acknowledged.
    struct Pending: Sendable, Equatable {
        let queue: QueueAddress
        /// Of the attempt, from 1.
        var number: Int
        /// The one that has the attempt now.
        var notifier: String
        var attempt: UInt64
        /// When it is over: the message is sent again.
        let endsAt: ContinuousClock.Instant
        /// What the client has said of it.
        var answer: DeliveryAnswer?
    }

    /// What is to be done with a message.
    enum Begun: Equatable {
        /// It is written, and may be acknowledged until then.
        case new(until: ContinuousClock.Instant)
        /// The session has it already.
        case there(until: ContinuousClock.Instant)
        /// The session has answered already.
        case answered(DeliveryAnswer)
        /// The session has as many as may be.
        case full
    }

    /// Messages that may wait for one session.
    static let pendingMax = 4_096
    /// Answers that are kept.
    static let answersMax = 256

    private var all: [DeliveryID: Pending] = [:]
    /// The deliveries that have been answered, oldest first.
    private var answered: [DeliveryID] = []

    /// Whether there is nothing to be removed some time.
    var isEmpty: Bool { self.all.isEmpty }

    /// A message is about to be sent.
    mutating func begin(
        _ delivery: DeliveryID, _ number: Int, of queue: QueueAddress, from notifier: String, attempt: UInt64,
        for timeout: Int, at now: ContinuousClock.Instant
    ) -> Begun {
        if let there = self.all[delivery], there.endsAt > now {
            switch there.answer {
            case nil:
                self.all[delivery]?.number = number
                self.all[delivery]?.notifier = notifier
                self.all[delivery]?.attempt = attempt
                return .there(until: there.endsAt)
            case .acknowledged?: return .answered(.acknowledged)
            // It was asked for again, and here it is.
            case .rejected? where number > there.number: break
            case .rejected(let seconds)?: return .answered(.rejected(seconds: seconds))
            }
        }
        guard self.all[delivery] != nil || self.all.count < Self.pendingMax + Self.answersMax else { return .full }
        let endsAt = now + .seconds(timeout)
        if self.all[delivery]?.answer != nil { self.answered.removeAll { $0 == delivery } }
        self.all[delivery] = Pending(
            queue: queue, number: number, notifier: notifier, attempt: attempt, endsAt: endsAt)
        return .new(until: endsAt)
    }

    /// A message was not sent after all.
    mutating func cancel(_ delivery: DeliveryID) { self.all[delivery] = nil }

    /// The client says what became of a message.
    ///
    /// - Returns: nil for one that does not wait for it: it is not there, of another queue, answered or over.
    mutating func answer(
        _ delivery: DeliveryID, of queue: QueueAddress, _ answer: DeliveryAnswer, at now: ContinuousClock.Instant
    ) -> Pending? {
        guard let pending = self.all[delivery], pending.queue == queue, pending.endsAt > now, pending.answer == nil
        else { return nil }
        self.all[delivery]?.answer = answer
        self.answered.append(delivery)
        if self.answered.count > Self.answersMax { self.all[self.answered.removeFirst()] = nil }
        return pending
    }

    /// Takes an answer back, for the store did not take it.
    mutating func takeBack(_ delivery: DeliveryID) {
        self.all[delivery]?.answer = nil
        self.answered.removeAll { $0 == delivery }
    }

    /// - Returns: What waits for an answer.
    mutating func endAll(of queue: QueueAddress) -> [Pending] {
        self.endAll { $0.queue == queue }
    }

    mutating func endAll() -> [Pending] { self.endAll { _ in true } }

    private mutating func endAll(_ isMeant: (Pending) -> Bool) -> [Pending] {
        let ended = self.all.filter { isMeant($0.value) }
        for id in ended.keys { self.all[id] = nil }
        self.answered.removeAll { ended[$0] != nil }
        return ended.values.filter { $0.answer == nil }
    }

    /// Removes what is over.
    mutating func timePassed(at now: ContinuousClock.Instant) {
        let over = self.all.filter { $0.value.endsAt <= now }
        guard !over.isEmpty else { return }
        for id in over.keys { self.all[id] = nil }
        self.answered.removeAll { over[$0] != nil }
    }
}
