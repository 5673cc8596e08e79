import Domain
import HTTPClient
import Logging
import NIOConcurrencyHelpers
import Redis
import Runtime
import Store

/// Writes down how the attempts of one shard ended, and keeps the leases of those that still run.
final class Settler: Sendable {
    /// Results written down in one call.
    private static let settlementsMax = 64
    /// How long a first result waits for others while the worker leases, so that nothing follows it at once anyhow.
    private static let batchDelay = Duration.microseconds(300)
    /// What becomes of a delivery that cannot be read: perhaps a newer notifier can, and otherwise its message's life ends it.
    static let unreadable = Settlement.Ending.postponed(.seconds(60))
    /// Leases renewed in one call.
    private static let renewalsMax = 100

    private let deliveries: any DeliveryStorage
    private let limiter: ConcurrencyLimiter
    private let gate: SuspectGate
    private let hosts: HostLimiter
    private let inbox: ShardInbox
    private let settings: EngineSettings
    private let metrics: NotifierMetrics
    private let notices: DeliveryNotices
    private let logger: Logger
    private let signal = AsyncSignal()
    private let inFlight = NIOLockedValueBox(InFlightDeliveries())

    init(
        deliveries: any DeliveryStorage, limiter: ConcurrencyLimiter, gate: SuspectGate, hosts: HostLimiter,
        inbox: ShardInbox, settings: EngineSettings, metrics: NotifierMetrics, notices: DeliveryNotices,
        logger: Logger
    ) {
        self.deliveries = deliveries
        self.limiter = limiter
        self.gate = gate
        self.hosts = hosts
        self.inbox = inbox
        self.settings = settings
        self.metrics = metrics
        self.notices = notices
        self.logger = logger
    }

    // MARK: What is in flight

    /// Counts what a call brought; each of these will end, exactly once.
    ///
    /// - Parameter unreadable: Ends at once, to wait until a notifier can read it.
    func accept(
        _ reservation: FairShares.Reservation, _ leases: [Lease], _ unreadable: UnreadableRows
    ) -> [LeasedDelivery] {
        self.limiter.confirm(
            reservation, of: leases.lazy.map(\.queue.project), and: unreadable.leases.map(\.queue.project))
        let started = self.inFlight.withLockedValue { inFlight in
            var started: [LeasedDelivery] = []
            started.reserveCapacity(leases.count)
            for lease in leases {
                let delivery = LeasedDelivery(id: inFlight.start(lease), lease: lease)
                // What may end the process is found by itself.
                if lease.isCollected, lease.suspicion < SuspectRules.soloLevel, !started.isEmpty {
                    started[started.count - 1].collected.append(delivery)
                } else {
                    started.append(delivery)
                }
            }
            return started
        }
        guard unreadable.count > 0 else { return started }
        self.metrics.unreadable(unreadable.count)
        self.logger.warn(
            "Deliveries cannot be read, they wait", StoreError.corrupt("\(unreadable.count) rows of a reply"),
            shard: self.inbox.shard)
        for lease in unreadable.leases {
            let id = self.inFlight.withLockedValue { $0.start(lease.token, of: lease.queue) }
            self.end(id, with: Self.unreadable)
        }
        return started
    }

    func keep(_ body: AttemptBody, for id: LeasedDelivery.ID) {
        self.limiter.begin(bytes: body.bytes.count, of: body.project)
        self.inFlight.withLockedValue { $0.keep(body, for: id) }
    }

    /// The bodies of attempts are not needed any more.
    func release(_ ids: [LeasedDelivery.ID]) {
        // Outside of the lock: the last reference to a body releases its bytes in the limiter.
        _ = self.inFlight.withLockedValue { $0.release(ids) }
    }

    /// The newest token of a lease; nil when it is lost.
    func token(of id: LeasedDelivery.ID) -> LeaseToken? {
        self.inFlight.withLockedValue { $0.token(of: id) }
    }

    /// The lease is another notifier's: nothing is written down when its attempt ends.
    func lose(_ id: LeasedDelivery.ID) {
        self.inFlight.withLockedValue { $0.lose(id) }
    }

    /// - Parameters:
    ///   - report: Of the attempt; nil when none was made.
    ///   - fullHost: Where it found no capacity, when its subscription waits for that.
    func end(
        _ id: LeasedDelivery.ID, with ending: Settlement.Ending, _ report: AttemptReport? = nil,
        fullHost: String? = nil
    ) {
        let isFirst = self.inFlight.withLockedValue { $0.end(id, with: ending, report, fullHost: fullHost) }
        if isFirst { self.signal.signal() }
    }

    /// Ends deliveries that went out in one attempt.
    func end(
        _ deliveries: [(id: LeasedDelivery.ID, ending: Settlement.Ending)], _ report: AttemptReport?,
        fullHost: String? = nil
    ) {
        let isFirst = self.inFlight.withLockedValue { $0.end(deliveries, report, fullHost: fullHost) }
        if isFirst { self.signal.signal() }
    }

    /// Ends a delivery, and those that were to go out with it, without an attempt.
    func end(_ delivery: LeasedDelivery, with ending: Settlement.Ending, fullHost: String? = nil) {
        self.end(delivery.all.map { ($0.id, ending) }, nil, fullHost: fullHost)
    }

    // MARK: Writing down

    /// Writes results down until ``stop()``.
    func run() async {
        while await self.signal.wait() {
            if self.inbox.change({ $0.isLeasing }) {
                // Cancelled: then nothing waits for others any more.
                try? await Task.sleep(for: Self.batchDelay)
            }
            while let ids = self.nextResults() {
                await self.settle(ids)
                // Outside of the lock: the last reference to a body releases its bytes in the limiter.
                let ended = self.inFlight.withLockedValue { $0.remove(ids) }
                self.limiter.settled(ids.count)
                self.inbox.attemptsEnded()
                for entry in ended {
                    if let host = entry.fullHost { self.hosts.parked(entry.token.subscription, for: host) }
                }
            }
        }
    }

    /// No more results will come.
    func stop() {
        self.signal.finish()
    }

    private func nextResults() -> [LeasedDelivery.ID]? {
        let ids = self.inFlight.withLockedValue { $0.takeEnded(upTo: Self.settlementsMax) }
        return ids.isEmpty ? nil : ids
    }

    /// Writes results down, again and again while Redis does not answer: a settlement that was carried out once is not
    /// carried out twice.
    ///
    /// In the same step it leases as much again, unless the worker is leasing. A repeat leases nothing: the reply that was
    /// lost, or could not be read, may have brought leases already.
    ///
    /// It goes on until Redis says what became of them, however long it is away: no other notifier can have taken them over
    /// meanwhile. But where Redis answers what makes no sense, or a stop waits for this, it ends after the time of a lease.
    private func settle(_ ids: [LeasedDelivery.ID]) async {
        var backoff = Backoff.ofStore
        var isFirst = true
        let deadline = ContinuousClock.now + self.settings.lease
        let (projects, bodies) = self.inFlight.withLockedValue { ($0.projects(of: ids), $0.bodies(of: ids)) }
        self.limiter.settling(projects, bodies: bodies)
        while true {
            // With the newest tokens: a renewal may have come between two tries.
            let settlements = self.inFlight.withLockedValue { inFlight in
                ids.compactMap { inFlight.settlement(of: $0) }
            }
            guard !settlements.isEmpty else { return self.metrics.lost(ids.count) }
            let reservation = isFirst ? self.reserve(upTo: settlements.count, settling: ids.count) : nil
            do throws(StoreError) {
                let settled = try await self.deliveries.settle(
                    self.inbox.shard, settlements, disableAfter: self.settings.disableAfter,
                    allowance: reservation?.allowance, lease: self.settings.lease)
                self.takeOver(settled.leased, reservation)
                self.metrics.settled(settlements, settled)
                self.notices.settled(settlements, settled)
                self.metrics.lost(ids.count - settled.written.count { $0 })
                return
            } catch {
                if isFirst { self.takeOver(nil, reservation) }
                isFirst = false
                self.logger.warn("Results could not be written down yet", error, shard: self.inbox.shard)
                let isOver =
                    ContinuousClock.now >= deadline
                    && (!error.isOfAnAbsentRedis || self.inbox.change({ $0.isStopping }))
                guard !isOver, !Task.isCancelled else {
                    self.metrics.lost(ids.count)
                    self.logger.error(
                        "Results are lost, their deliveries will be attempted again",
                        metadata: [
                            LogKey.shard: "\(self.inbox.shard)", "count": "\(ids.count)", LogKey.error: "\(error)",
                        ])
                    return
                }
                // Cancelled: the guard above ends it after one more try.
                try? await Task.sleep(for: backoff.next(random: .random(in: 0..<1)))
            }
        }
    }

    // MARK: Leasing with a settlement

    /// - Returns: nil while the worker leases, or when nothing is to be begun; otherwise ``takeOver(_:_:)`` has to follow.
    private func reserve(upTo count: Int, settling: Int) -> FairShares.Reservation? {
        guard self.gate.mayLease(self.inbox), self.inbox.change({ $0.settlerMayLease() }) else { return nil }
        return self.limiter.reserve(for: self.inbox, upTo: count, settling: settling)
    }

    /// Has the worker start what a settlement leased, and ask for what it did not.
    ///
    /// - Parameter leased: nil when it leased nothing.
    private func takeOver(_ leased: Leased?, _ reservation: FairShares.Reservation?) {
        guard let reservation else { return self.inbox.request(.lease) }
        let started = self.accept(reservation, leased?.leases ?? [], leased?.unreadable ?? UnreadableRows())
        self.inbox.setTimer { schedule, now in
            // Where it leased nothing, the worker asks again soon; without a slot it is asked to when there is one.
            let nextDue = reservation.allowance.capacity > 0 ? leased.map(\.nextDue) ?? now : nil
            return schedule.leased(more: leased?.more ?? false, started, nextDue: nextDue, now: now)
        }
        if self.inbox.change({ $0.hasWork }) { self.inbox.signal.signal() }
        // The worker may have handed back what waited already.
        if self.inbox.change({ $0.isStopping }) { self.handBackRest() }
    }

    /// Hands back what is not started any more.
    func handBackRest() {
        if let suspect = self.inbox.change({ $0.takeSolo() }) {
            self.end(suspect, with: .handedBack)
            self.gate.soloEnded(by: self.inbox)
        }
        for startable in self.inbox.change({ $0.handBack() }) { self.end(startable, with: .handedBack) }
    }

    // MARK: Renewal

    /// Renews the leases that end before a time.
    func renew(endingBefore time: Timestamp) async throws(StoreError) {
        let held = self.inFlight.withLockedValue { $0.renewals(endingBefore: time) }
        for start in stride(from: 0, to: held.count, by: Self.renewalsMax) {
            let batch = held[start..<min(start + Self.renewalsMax, held.count)]
            let renewed = try await self.deliveries.renew(
                self.inbox.shard, batch.map(\.token), lease: self.settings.lease)
            let isFirst = self.inFlight.withLockedValue { inFlight in
                var isFirst = false
                for (lease, newer) in zip(batch, renewed) { isFirst = inFlight.renewed(lease.id, to: newer) || isFirst }
                return isFirst
            }
            if isFirst { self.signal.signal() }
        }
    }

    /// No lease is renewed any more.
    func endRenewals() {
        if self.inFlight.withLockedValue({ $0.renewalsEnded() }) { self.signal.signal() }
    }
}

extension StoreError {
    /// Whether a repeat can succeed as soon as Redis is there again.
    fileprivate var isOfAnAbsentRedis: Bool {
        switch self.trouble {
        case .unreachable, .full, .readOnly, .loading, .overloaded, .contended, .moving, .notReplicated, .notOnDisk:
            true
        case .storeChanged, .corrupt: false
        }
    }
}
