import Domain
import Metrics
import Runtime
import Store

/// What a notifier counts (``Metric``).
struct NotifierMetrics: Sendable {
    private let lag = Metric.deliveryLag.timer()
    private let settledCount = Metric.deliverySettled.counter()
    private let lostCount = Metric.deliveryLost.counter()
    private let postponedCount = Metric.deliveryPostponed.counter()
    private let lapsedCount = Metric.deliveryLapsed.counter()
    private let suspectCount = Metric.deliverySuspects.counter()
    private let overflowedCount = Metric.deliveryOverflowed.counter()
    private let wantedCount = Metric.filterVerdicts.counter("wanted")
    private let refusedCount = Metric.filterVerdicts.counter("refused")
    private let expiredCount = Metric.deliveryExpired.counter()
    private let unreadableCount = Metric.deliveryUnreadable.counter()
    private let quarantinedCount = Metric.deliveryQuarantined.counter()
    private let droppedDeadLettersCount = Metric.deadLettersDropped.counter()
    private let underWayCount: Meter
    private let bytesCount: Meter
    private let blockedCount: Meter
    private let parkedCount = Metric.subscriptionsParked.gauge()
    private let slotCount: Meter
    private let bytesMaxCount: Meter
    private let deadLetters: [DeliveryDecision.Reason: Counter]
    private let held: [Settled.Hold: Counter]
    private let endToEnd: [Destination: Timer]
    private let phases: [Destination: Phases]
    private let attempts: [AttemptKind: Counter]

    /// Where the time of attempts goes.
    private struct Phases {
        let dns: Timer
        let connect: Timer
        let tls: Timer
        let firstByte: Timer
        let total: Timer

        init(_ channel: Destination) {
            self.dns = Metric.attemptPhase.timer(channel.rawValue, "dns")
            self.connect = Metric.attemptPhase.timer(channel.rawValue, "connect")
            self.tls = Metric.attemptPhase.timer(channel.rawValue, "tls")
            self.firstByte = Metric.attemptPhase.timer(channel.rawValue, "first_byte")
            self.total = Metric.attemptPhase.timer(channel.rawValue, "total")
        }

        func record(_ exchange: Exchange) {
            if exchange.dns > 0 || exchange.connect > 0 || exchange.tls > 0 {
                self.dns.recordMilliseconds(exchange.dns)
                self.connect.recordMilliseconds(exchange.connect)
                if exchange.tls > 0 { self.tls.recordMilliseconds(exchange.tls) }
            }
            if exchange.firstByte > 0 { self.firstByte.recordMilliseconds(exchange.firstByte) }
            self.total.recordMilliseconds(exchange.total)
        }
    }

    private struct AttemptKind: Hashable {
        let channel: Destination
        let outcome: OutcomeWord
    }

    /// - Parameters:
    ///   - pool: The pool that is served; what is counted adds up over all pools, what is measured stands beside it.
    ///   - channels: That deliver.
    init(pool: String, channels: [Destination]) {
        self.underWayCount = Metric.deliveryUnderWay.gauge(pool)
        self.bytesCount = Metric.deliveryBytes.gauge(pool)
        self.blockedCount = Metric.deliveryBlocked.gauge(pool)
        self.slotCount = Metric.deliverySlots.gauge(pool)
        self.bytesMaxCount = Metric.deliveryBytesMax.gauge(pool)
        self.deadLetters = Dictionary(
            uniqueKeysWithValues: DeliveryDecision.Reason.allCases.map { ($0, Metric.deadLetters.counter($0.rawValue)) }
        )
        self.held = Dictionary(
            uniqueKeysWithValues: Settled.Hold.allCases.map { ($0, Metric.subscriptionsHeld.counter($0.rawValue)) })
        self.endToEnd = Dictionary(
            uniqueKeysWithValues: channels.map { ($0, Metric.deliveryEndToEnd.timer($0.rawValue)) })
        self.phases = Dictionary(uniqueKeysWithValues: channels.map { ($0, Phases($0)) })
        self.attempts = Dictionary(
            uniqueKeysWithValues: channels.flatMap { channel in
                OutcomeWord.allCases.map { word in
                    let counter = Metric.deliveryAttempts.counter(channel.rawValue, word.rawValue)
                    return (AttemptKind(channel: channel, outcome: word), counter)
                }
            })
    }

    func started(_ lease: Lease, at now: Timestamp) {
        guard lease.attempt == 1, !lease.token.isFenced else { return }
        self.lag.recordMilliseconds(max(0, now.milliseconds - lease.position.createdAt.milliseconds))
    }

    func lost(_ count: Int) { self.lostCount.increment(by: count) }
    func postponed() { self.postponedCount.increment() }

    /// - Parameter settlements: What was to be written down.
    func settled(_ settlements: [Settlement], _ settled: Settled) {
        for (settlement, isWritten) in zip(settlements, settled.written) where isWritten {
            self.settledCount.increment()
            if case .deadLetter(let reason, _, _) = settlement.ending { self.deadLetters[reason]?.increment() }
        }
        self.deadLetters[.subscriptionEnded]?.increment(by: settled.keptOfEnded)
        for held in settled.held { self.held[held.hold]?.increment() }
        self.droppedDeadLettersCount.increment(by: settled.droppedDeadLetters)
    }

    func taken(_ taken: Taken) {
        self.overflowedCount.increment(by: taken.overflowed)
        self.deadLetters[.overflow]?.increment(by: taken.overflowed)
        self.deadLetters[.subscriptionEnded]?.increment(by: taken.keptOfEnded)
        self.droppedDeadLettersCount.increment(by: taken.droppedDeadLetters)
    }

    func judged(_ verdicts: EventVerdicts) {
        self.wantedCount.increment(by: verdicts.wantedCount)
        self.refusedCount.increment(by: verdicts.count - verdicts.wantedCount)
    }

    func reaped(_ reaped: Reaped) {
        self.lapsedCount.increment(by: reaped.lapsed)
        self.quarantinedCount.increment(by: reaped.quarantined)
        self.deadLetters[.quarantined]?.increment(by: reaped.quarantined)
        self.deadLetters[.subscriptionEnded]?.increment(by: reaped.keptOfEnded)
        self.droppedDeadLettersCount.increment(by: reaped.droppedDeadLetters)
    }

    func swept(_ swept: Swept) {
        self.expiredCount.increment(by: swept.expired)
        self.deadLetters[.expired]?.increment(by: swept.expired)
        self.deadLetters[.subscriptionEnded]?.increment(by: swept.keptOfEnded)
        self.droppedDeadLettersCount.increment(by: swept.droppedDeadLetters)
    }

    /// - Parameter count: Deliveries that wait until a notifier can read them.
    func unreadable(_ count: Int) { self.unreadableCount.increment(by: count) }

    func suspects(_ count: Int) { self.suspectCount.increment(by: count) }

    /// - Parameters:
    ///   - slotsMax: How many slots there are.
    ///   - bytesMax: How many bytes may be in flight.
    func inFlight(slots: Int, of slotsMax: Int, bytes: Int, of bytesMax: Int) {
        self.underWayCount.set(slots)
        self.slotCount.set(slotsMax)
        self.bytesCount.set(bytes)
        self.bytesMaxCount.set(bytesMax)
    }

    /// - Parameters:
    ///   - projects: That have no share left.
    ///   - subscriptions: That wait for a host.
    func held(projects: Int, subscriptions: Int) {
        self.blockedCount.set(projects)
        self.parkedCount.set(subscriptions)
    }

    func finished(_ outcome: Outcome, by channel: Destination, _ exchange: Exchange) {
        self.attempts[AttemptKind(channel: channel, outcome: OutcomeWord(outcome))]?.increment()
        if outcome != .forbidden { self.phases[channel]?.record(exchange) }
    }

    /// - Parameter positions: Of the messages that the subscriber has now.
    func accepted(_ positions: [Position], by channel: Destination, at now: Timestamp) {
        for position in positions {
            self.endToEnd[channel]?.recordMilliseconds(max(0, now.milliseconds - position.createdAt.milliseconds))
        }
    }

    /// How an attempt ended, in as many words as a chart can hold.
    enum OutcomeWord: String, CaseIterable {
        case accepted, deferred, refused, forbidden
        case resolve, connect, tls, timeout, closed, malformed, tooLarge = "too_large", sealed, trust, other

        init(_ outcome: Outcome) {
            switch outcome {
            case .accepted: self = .accepted
            case .deferred: self = .deferred
            case .refused, .gone: self = .refused
            case .forbidden: self = .forbidden
            case .unreachable(let failure):
                switch failure {
                case .resolve: self = .resolve
                case .connect: self = .connect
                case .tls: self = .tls
                case .timeout: self = .timeout
                case .closed: self = .closed
                case .malformed: self = .malformed
                case .tooLarge: self = .tooLarge
                case .sealed: self = .sealed
                case .trust: self = .trust
                case .other: self = .other
                }
            }
        }
    }
}
