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
    private let expiredCount = Metric.deliveryExpired.counter()
    private let unreadableCount = Metric.deliveryUnreadable.counter()
    private let quarantinedCount = Metric.deliveryQuarantined.counter()
    private let droppedDeadLettersCount = Metric.deadLettersDropped.counter()
    private let underWayCount: Meter
    private let bytesCount: Meter
    private let blockedCount: Meter
    private let parkedCount = Metric.subscriptionsParked.gauge()
    private let pendingCount: Meter
    private let attempts: [AttemptKind: Counter]

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
        self.pendingCount = Metric.eventsPending.gauge(pool)
        self.attempts = Dictionary(
            uniqueKeysWithValues: channels.flatMap { channel in
                OutcomeWord.allCases.map { word in
                    let counter = Metric.deliveryAttempts.counter(channel.rawValue, word.rawValue)
                    return (AttemptKind(channel: channel, outcome: word), counter)
                }
            })
    }

    func started(_ lease: Lease, at now: Timestamp) {
        guard lease.attempt == 1 else { return }
        self.lag.recordMilliseconds(max(0, now.milliseconds - lease.position.createdAt.milliseconds))
    }

    func lost(_ count: Int) { self.lostCount.increment(by: count) }
    func postponed() { self.postponedCount.increment() }

    /// - Parameter count: Results that were written down.
    func settled(_ settled: Settled, _ count: Int) {
        self.settledCount.increment(by: count)
        self.droppedDeadLettersCount.increment(by: settled.droppedDeadLetters)
    }

    func taken(_ taken: Taken) {
        self.overflowedCount.increment(by: taken.overflowed)
        self.droppedDeadLettersCount.increment(by: taken.droppedDeadLetters)
    }

    func reaped(_ reaped: Reaped) {
        self.lapsedCount.increment(by: reaped.lapsed)
        self.quarantinedCount.increment(by: reaped.quarantined)
        self.droppedDeadLettersCount.increment(by: reaped.droppedDeadLetters)
    }

    func swept(_ swept: Swept) {
        self.expiredCount.increment(by: swept.expired)
        self.droppedDeadLettersCount.increment(by: swept.droppedDeadLetters)
    }

    /// - Parameter count: Deliveries that wait until a notifier can read them.
    func unreadable(_ count: Int) { self.unreadableCount.increment(by: count) }

    func suspects(_ count: Int) { self.suspectCount.increment(by: count) }

    func inFlight(slots: Int, bytes: Int) {
        self.underWayCount.set(slots)
        self.bytesCount.set(bytes)
    }

    /// - Parameters:
    ///   - projects: That have no share left.
    ///   - subscriptions: That wait for a host.
    func held(projects: Int, subscriptions: Int) {
        self.blockedCount.set(projects)
        self.parkedCount.set(subscriptions)
    }

    func pending(events count: Int) { self.pendingCount.set(count) }

    func finished(_ outcome: Outcome, by channel: Destination) {
        self.attempts[AttemptKind(channel: channel, outcome: OutcomeWord(outcome))]?.increment()
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
