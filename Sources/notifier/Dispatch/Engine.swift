package import Domain
package import Logging
import NIOConcurrencyHelpers
package import NIOCore
import Redis
import Runtime
import ServiceLifecycle
package import Signing
package import Store

/// Delivers what is due in one Redis, until it is asked to stop.
///
/// | task | how many | does |
/// |---|---|---|
/// | worker | one a shard | takes events, leases what is due, starts attempts |
/// | settler | one a shard | writes results down |
/// | listener | one | sleeps inside Redis until something was posted |
/// | look | one | once a second: lost signals, due times, leases of the dead, what has expired |
/// | renewal | one | keeps the leases of long attempts |
///
/// A graceful shutdown stops the listener, the look and the workers; attempts in flight finish, or are ended after `drain` and
/// handed back with the number of their attempt; then everything is written down.
package struct Engine: Service {
    private static let lookEvery = Duration.seconds(1)
    /// How long after a renewal that failed it is tried again, at most.
    private static let renewAgain = Duration.milliseconds(500)
    /// Looks, and renewals, in the time of one lease, at least.
    private static let turnsPerLease = 5

    private let deliveries: any DeliveryStorage
    private let channels: Channels
    private let limiter: ConcurrencyLimiter
    private let hosts: HostLimiter
    private let gate: SuspectGate
    private let clock: RedisClock
    private let settings: EngineSettings
    private let metrics: NotifierMetrics
    private let logger: Logger
    private let listeners: [WakeupListener]
    private let reaping: NIOLockedValueBox<ReapRules>
    private let workers: [ShardWorker]
    private let eventLoop: any EventLoop

    /// - Parameters:
    ///   - vault: Opens sealed bodies; nil: with the key derived from the master key alone.
    ///   - now: What Redis' clock just showed.
    ///   - hosts: Those of all engines of the process; nil: its own.
    ///   - control: The control store; nil: `store` is.
    package init(
        store: Store, channels: Channels, masterKey: MasterKey,
        vault: Vault? = nil, settings: EngineSettings, hosts: HostLimiter? = nil, control: Store? = nil, now: Timestamp,
        eventLoopGroup: any EventLoopGroup, logger: Logger
    ) {
        self.init(
            store: store, channels: channels, masterKey: masterKey,
            vault: vault ?? Vault(masterKey: masterKey),
            settings: settings,
            limiter: ConcurrencyLimiter(slots: settings.concurrency, bytes: settings.bytesInFlight),
            hosts: hosts ?? HostLimiter(limit: settings.hostConcurrency), gate: SuspectGate(),
            control: control ?? store, pool: "default", now: now, eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// - Parameters:
    ///   - limiter: What may be in flight; its maker may change how much.
    ///   - hosts: Those of all engines of the process.
    ///   - gate: That of all engines of the process.
    ///   - control: The control store: of what projects suppress, and of their signing keys.
    ///   - pool: What this engine's Redis is called.
    init(
        store: Store, channels: Channels, masterKey: MasterKey, vault: Vault,
        settings: EngineSettings, limiter: ConcurrencyLimiter, hosts: HostLimiter, gate: SuspectGate,
        control: Store, pool: String, now: Timestamp, eventLoopGroup: any EventLoopGroup, logger: Logger
    ) {
        let (clock, metrics) = (RedisClock(shown: now), NotifierMetrics(pool: pool, channels: channels.destinations))
        var logger = logger
        logger[metadataKey: LogKey.pool] = "\(pool)"
        let reaping = NIOLockedValueBox(ReapRules(lease: settings.lease, at: .now))
        let notices = DeliveryNotices(deliveries: store.deliveries, logger: logger)
        let policies = FilterPolicies(store.subscriptions)
        let planner = AttemptPlanner(
            store: store,
            recipients: Recipients(
                subscriptions: store.subscriptions, queues: store.queues, masterKey: masterKey,
                signingKeys: ProjectSigningKeys(control.signingKeys, masterKey: masterKey, logger: logger),
                channels: channels),
            addresses: AddressRules(
                store: control, hourlyMax: settings.addressHourlyMax, collectsExcess: settings.collectsExcess,
                logger: logger),
            vault: vault,
            confirmedOnly: settings.confirmedOnly, notBeforeMax: settings.notBeforeMax,
            retryPolicyDefault: settings.retryPolicyDefault, budget: limiter)
        self.workers = (0..<store.deliveries.shards).map { shard in
            let inbox = ShardInbox(shard: shard, clock: clock, eventLoop: eventLoopGroup.next())
            let settler = Settler(
                deliveries: store.deliveries, limiter: limiter, gate: gate, hosts: hosts, inbox: inbox,
                settings: settings, metrics: metrics, notices: notices, logger: logger)
            return ShardWorker(
                inbox: inbox, settler: settler, deliveries: store.deliveries, channels: channels, planner: planner,
                filter: EventFilter(policies: policies, vault: vault, metrics: metrics), limiter: limiter, hosts: hosts,
                gate: gate, clock: clock, reaping: reaping, settings: settings,
                metrics: metrics, logger: logger)
        }
        self.deliveries = store.deliveries
        self.channels = channels
        self.limiter = limiter
        self.hosts = hosts
        self.gate = gate
        self.clock = clock
        self.settings = settings
        self.metrics = metrics
        self.logger = logger
        self.listeners = store.wakeups.map {
            WakeupListener(signals: $0, connection: store.connection(to: $0, logger: logger), logger: logger)
        }
        self.reaping = reaping
        self.eventLoop = eventLoopGroup.next()
    }

    /// What an engine has in flight.
    package struct InFlight: Sendable, Equatable {
        /// Leases that are not settled yet.
        package let leases: Int
        /// Bytes of the bodies of attempts.
        package let bytes: Int
        /// Attempts, of all engines that share the gate.
        package let attempts: Int

        package static let nothing = InFlight(leases: 0, bytes: 0, attempts: 0)
    }

    package var inFlight: InFlight {
        InFlight(leases: self.limiter.used, bytes: self.limiter.bytes, attempts: self.gate.inFlight)
    }

    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            for worker in self.workers { group.addTask { await worker.settler.run() } }
            group.addTask { await self.renew() }
            await self.takeUntilAskedToStop()
            await self.drain()
            for worker in self.workers { worker.settler.stop() }
            group.cancelAll()
        }
    }

    // MARK: Taking

    private func takeUntilAskedToStop() async {
        await withTaskGroup(of: Void.self) { group in
            for worker in self.workers { group.addTask { await worker.run() } }
            for listener in self.listeners {
                group.addTask { await listener.listen { self.workers[$0].inbox.request(.take) } }
            }
            group.addTask {
                // It runs until it is cancelled, which a graceful shutdown does.
                await cancelWhenGracefulShutdown { await self.look() }
                for worker in self.workers { worker.inbox.stop() }
                self.channels.drain()
                self.limitDrain()
                for listener in self.listeners { await listener.stop() }
            }
        }
    }

    /// Looks over all shards, in one go, again and again.
    private func look() async {
        let all = self.workers.map(\.inbox.shard)
        while !Task.isCancelled {
            do throws(StoreError) {
                let statuses = try await self.deliveries.status(of: all)
                if let latest = statuses.map(\.now).max() { self.clock.observe(latest) }
                self.reaping.withLockedValue { $0.answered(at: .now) }
                for (worker, status) in zip(self.workers, statuses) { worker.inbox.noticed(status) }
            } catch {
                self.reaping.withLockedValue { $0.failed() }
                self.logger.warn("Redis could not be looked at", error)
            }
            self.hosts.expireWakes()
            self.gate.expireDrain()
            let most = self.limiter.limits
            self.metrics.inFlight(
                slots: self.limiter.used, of: most.slots, bytes: self.limiter.bytes, of: most.bytes)
            self.metrics.held(projects: self.limiter.blocked, subscriptions: self.hosts.waiters)
            // Cancelled: the loop's condition sees it.
            try? await Task.sleep(for: min(Self.lookEvery, self.settings.lease / Self.turnsPerLease))
        }
    }

    /// Renews leases when a third of their time is over, and all of them once Redis is back; a renewal that fails is tried
    /// several times more before they end.
    private func renew() async {
        let lease = self.settings.lease
        let pause = lease / Self.turnsPerLease
        var isComplete = true
        while !Task.isCancelled {
            // Cancelled: the loop's condition sees it.
            try? await Task.sleep(for: isComplete ? pause : min(pause, Self.renewAgain))
            let hasToRenew = self.reaping.withLockedValue { $0.hasToRenew }
            let milliseconds = Int64(lease * 2 / 3 / .milliseconds(1))
            isComplete = await self.renewAll(
                hasToRenew ? Timestamp(milliseconds: .max) : self.clock.now.adding(milliseconds: milliseconds))
            if hasToRenew, isComplete { self.reaping.withLockedValue { $0.renewed(at: .now) } }
        }
        for worker in self.workers { worker.settler.endRenewals() }
    }

    /// Renews the leases that end before a time.
    ///
    /// - Returns: Whether all were.
    private func renewAll(_ time: Timestamp) async -> Bool {
        var isComplete = true
        for worker in self.workers {
            do throws(StoreError) {
                try await worker.settler.renew(endingBefore: time)
            } catch {
                isComplete = false
                self.logger.warn("Leases could not be renewed", error, shard: worker.inbox.shard)
            }
        }
        return isComplete
    }

    // MARK: Stopping

    /// From here on attempts have so long to finish.
    ///
    /// Ending them once more after the engine is gone does no harm.
    private func limitDrain() {
        let channels = self.channels
        let limit = TimeAmount.milliseconds(Int64(self.settings.drain / .milliseconds(1)))
        self.eventLoop.scheduleTask(in: limit) { channels.abortAll() }
    }

    private func drain() async {
        let channels = self.channels
        await withTaskCancellationHandler {
            await self.limiter.waitUntilIdle()
        } onCancel: {
            // Nothing waits for it any longer: what is in flight is handed back now.
            channels.abortAll()
        }
    }
}

extension ConcurrencyLimiter: BodyBudget {}
