import Domain
import HTTPClient
import Logging
import NIOConcurrencyHelpers
import Runtime
import Store

/// The work of one notifier in one shard: carries out what ``ShardSchedule`` decides, one bounded step after the other.
///
/// ```
///  ShardInbox ──► ShardSchedule ──► ShardWorker: take, lease, reap, sweep, wake ──► AttemptStarter ──► Channels
///      ▲                                                                                                  │
///      └── leases ── Settler: up to 64 results a call ◄── results ◄──────────────────────────────────────┘
/// ```
/// A settlement leases what follows in the same call, while the worker does not; only the worker begins attempts.
final class ShardWorker: Sendable {
    /// Lapsed leases made due again in one call.
    private static let reapedMax = 100
    /// Expired things removed in one call.
    private static let sweptMax = 200

    let inbox: ShardInbox
    let settler: Settler
    private let deliveries: any DeliveryStorage
    private let starter: AttemptStarter
    private let filter: EventFilter
    private let limiter: ConcurrencyLimiter
    private let gate: SuspectGate
    private let reaping: NIOLockedValueBox<ReapRules>
    private let settings: EngineSettings
    private let metrics: NotifierMetrics
    private let logger: Logger

    init(
        inbox: ShardInbox, settler: Settler, deliveries: any DeliveryStorage, channels: Channels,
        planner: AttemptPlanner, filter: EventFilter,
        limiter: ConcurrencyLimiter, hosts: HostLimiter, gate: SuspectGate, clock: RedisClock,
        reaping: NIOLockedValueBox<ReapRules>, settings: EngineSettings, metrics: NotifierMetrics, logger: Logger
    ) {
        self.inbox = inbox
        self.settler = settler
        self.deliveries = deliveries
        self.filter = filter
        self.limiter = limiter
        self.gate = gate
        self.reaping = reaping
        self.settings = settings
        self.metrics = metrics
        self.logger = logger
        self.starter = AttemptStarter(
            inbox: inbox, settler: settler, deliveries: deliveries, channels: channels, planner: planner, hosts: hosts,
            gate: gate, clock: clock, metrics: metrics, logger: logger)
    }

    /// Works until the inbox stops; then what was not begun is handed back.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.starter.inquire() }
            await self.work()
            self.starter.stop()
        }
        self.starter.end()
        self.settler.handBackRest()
    }

    private func work() async {
        while await self.inbox.signal.wait() {
            while case .perform(let work) = self.inbox.change({ $0.next() }) {
                do throws(StoreError) {
                    try await self.perform(work)
                    self.inbox.change { $0.succeeded(work) }
                } catch {
                    self.inbox.failed(work)
                    self.logger.warn("Redis did not do what a shard needs", error, shard: self.inbox.shard)
                }
            }
        }
    }

    private func perform(_ work: ShardSchedule.Work) async throws(StoreError) {
        switch work {
        case .start: try await self.starter.start()
        case .solo: try await self.starter.startSolo()
        case .take: try await self.take()
        case .lease: try await self.lease()
        case .wake: try await self.wake()
        case .reap: try await self.reap()
        case .sweep: try await self.sweep()
        }
    }

    // MARK: Steps

    /// Fans out in one call, and leases what it brought.
    ///
    /// Without a slot it still turns events into waiting deliveries: a full notifier must not keep a message from the
    /// others.
    private func take() async throws(StoreError) {
        let mayLease = self.gate.mayLease(self.inbox) && self.inbox.change { $0.hasCapacityToStart }
        let reservation = self.limiter.reserve(
            for: self.inbox, upTo: mayLease ? FairShares.perCallMax : 0, isFanningOut: true)
        let taken: Taken
        do throws(StoreError) {
            taken = try await self.deliveries.take(
                self.inbox.shard, allowance: reservation.allowance, lease: self.settings.lease,
                confirmedOnly: self.settings.leavesUnconfirmedOut, verdicts: self.filter.verdicts)
        } catch {
            self.limiter.confirm(reservation, of: [])
            throw error
        }
        self.metrics.taken(taken)
        let started = self.settler.accept(reservation, taken.leases, taken.unreadable)
        self.inbox.change {
            $0.took(more: taken.more, isPaced: taken.isPaced, started, isBounded: reservation.isBounded)
        }
        // What it is repeated by, after a failure, asks again; by now a settlement may lease.
        do throws(StoreError) { try await self.filter.judge(taken.undecided, in: self.inbox.shard) } catch {
            self.inbox.pause(.take)
            self.logger.warn("The subscriptions of events could not be read", error, shard: self.inbox.shard)
        }
    }

    /// Leases what is due in one call, and sees to it that what is due next is.
    private func lease() async throws(StoreError) {
        guard self.gate.mayLease(self.inbox) else { return self.leased(nil, []) }
        let reservation = self.limiter.reserve(for: self.inbox)
        guard reservation.allowance.capacity > 0 else { return self.leased(nil, []) }
        let leased: Leased
        do throws(StoreError) {
            leased = try await self.deliveries.lease(
                self.inbox.shard, allowance: reservation.allowance, lease: self.settings.lease)
        } catch {
            self.limiter.confirm(reservation, of: [])
            throw error
        }
        self.leased(leased, self.settler.accept(reservation, leased.leases, leased.unreadable))
    }

    /// - Parameter leased: nil: nothing could be asked for, and the shard is asked to when something can.
    private func leased(_ leased: Leased?, _ started: [LeasedDelivery]) {
        self.inbox.setTimer {
            $0.leased(more: leased?.more ?? false, started, nextDue: leased?.nextDue, now: $1)
        }
    }

    /// Takes over what has lapsed.
    ///
    /// While that may be what this notifier could not renew, it is left to a later look.
    private func reap() async throws(StoreError) {
        guard self.reaping.withLockedValue({ $0.mayReap(at: .now) }) else { return }
        let reaped = try await self.deliveries.reap(self.inbox.shard, limit: Self.reapedMax)
        self.metrics.reaped(reaped)
        if reaped.lapsed > 0 { self.inbox.request(.lease) }
        if reaped.more { self.inbox.request(.reap) }
    }

    private func sweep() async throws(StoreError) {
        let swept = try await self.deliveries.sweep(self.inbox.shard, limit: Self.sweptMax)
        self.metrics.swept(swept)
        if swept.more { self.inbox.request(.sweep) }
    }

    /// Has Redis look at parked subscriptions again whose host has capacity.
    ///
    /// What cannot be woken is found when its parking ends.
    private func wake() async throws(StoreError) {
        let subscriptions = self.inbox.change { $0.nextWakes() }
        do throws(StoreError) {
            try await self.deliveries.wake(self.inbox.shard, subscriptions)
        } catch {
            self.inbox.change { $0.wakesFailed(subscriptions) }
            throw error
        }
        self.inbox.request(.lease)
    }
}
