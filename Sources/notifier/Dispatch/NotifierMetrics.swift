import Domain
import Metrics
import Store

/// What a notifier counts.
///
/// | metric | kind, unit | dimensions | question |
/// |---|---|---|---|
/// | `herald.delivery.lag` | timer | - | How long after its post is a message attempted first? |
/// | `herald.delivery.attempts` | counter | `channel`, `outcome` | How do attempts end? |
/// | `herald.delivery.settled` | counter | - | How many results are written down? |
/// | `herald.delivery.lost` | counter | - | How many results came too late, their deliveries being made again? |
/// | `herald.delivery.postponed` | counter | - | How often had a host as much under way as may be? |
/// | `herald.delivery.lapsed` | counter | - | How many leases of dead or stalled notifiers did this one take over? |
/// | `herald.delivery.suspects` | counter | - | How many attempts were made of deliveries that notifiers were lost with? |
/// | `herald.delivery.overflowed` | counter | - | How many deliveries ended at once, because too many waited? |
/// | `herald.delivery.expired` | counter | - | How many deliveries ended with their messages while they waited? |
/// | `herald.delivery.unreadable` | counter | - | How often was a delivery leased that this version cannot read? |
/// | `herald.delivery.quarantined` | counter | - | How many deliveries were given up that notifiers were lost with? |
/// | `herald.dead_letters.dropped` | counter | - | How many dead letters were removed before their time, to keep to a limit? |
/// | `herald.delivery.under_way` | gauge | `pool` | How many of the slots are taken? |
/// | `herald.delivery.bytes` | gauge | `pool` | How many bytes of bodies are in flight? |
/// | `herald.delivery.blocked` | gauge | `pool` | How many projects may begin nothing more now, by their share or their pace? |
/// | `herald.subscriptions.parked` | gauge | - | How many subscriptions wait for a host with as much in flight as may be? |
/// | `herald.events.pending` | gauge | `pool` | How many posts wait to be fanned out, over all shards? |
struct NotifierMetrics: Sendable {
    private let lag = Timer(label: "herald.delivery.lag", preferredDisplayUnit: .milliseconds)
    private let settledCount = Counter(label: "herald.delivery.settled")
    private let lostCount = Counter(label: "herald.delivery.lost")
    private let postponedCount = Counter(label: "herald.delivery.postponed")
    private let lapsedCount = Counter(label: "herald.delivery.lapsed")
    private let suspectCount = Counter(label: "herald.delivery.suspects")
    private let overflowedCount = Counter(label: "herald.delivery.overflowed")
    private let expiredCount = Counter(label: "herald.delivery.expired")
    private let unreadableCount = Counter(label: "herald.delivery.unreadable")
    private let quarantinedCount = Counter(label: "herald.delivery.quarantined")
    private let droppedDeadLettersCount = Counter(label: "herald.dead_letters.dropped")
    private let underWayCount: Gauge
    private let bytesCount: Gauge
    private let blockedCount: Gauge
    private let parkedCount = Gauge(label: "herald.subscriptions.parked")
    private let pendingCount: Gauge
    private let attempts: [AttemptKind: Counter]

    private struct AttemptKind: Hashable {
        let channel: Destination
        let outcome: OutcomeWord
    }

    /// - Parameters:
    ///   - pool: The pool that is served; what is counted adds up over all pools, what is measured stands beside it.
    ///   - channels: That deliver.
    init(pool: String, channels: [Destination]) {
        let dimensions = [("pool", pool)]
        self.underWayCount = Gauge(label: "herald.delivery.under_way", dimensions: dimensions)
        self.bytesCount = Gauge(label: "herald.delivery.bytes", dimensions: dimensions)
        self.blockedCount = Gauge(label: "herald.delivery.blocked", dimensions: dimensions)
        self.pendingCount = Gauge(label: "herald.events.pending", dimensions: dimensions)
        self.attempts = Dictionary(
            uniqueKeysWithValues: channels.flatMap { channel in
                OutcomeWord.allCases.map { word in
                    let dimensions = [("channel", channel.rawValue), ("outcome", word.rawValue)]
                    let counter = Counter(label: "herald.delivery.attempts", dimensions: dimensions)
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
        self.underWayCount.record(slots)
        self.bytesCount.record(bytes)
    }

    /// - Parameters:
    ///   - projects: That have no share left.
    ///   - subscriptions: That wait for a host.
    func held(projects: Int, subscriptions: Int) {
        self.blockedCount.record(projects)
        self.parkedCount.record(subscriptions)
    }

    func pending(events count: Int) { self.pendingCount.record(count) }

    func finished(_ outcome: Outcome, by channel: Destination) {
        self.attempts[AttemptKind(channel: channel, outcome: OutcomeWord(outcome))]?.increment()
    }

    /// How an attempt ended, in as many words as a chart can hold.
    enum OutcomeWord: String, CaseIterable {
        case accepted, deferred, refused, forbidden
        case resolve, connect, tls, timeout, closed, malformed, tooLarge = "too_large", sealed, other

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
                case .other: self = .other
                }
            }
        }
    }
}
