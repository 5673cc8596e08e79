package import Domain
package import Logging
package import NIOCore
package import Redis
import ServiceLifecycle
package import Signing
package import Store

/// How an engine works; ``NotifierSettings`` makes one of the settings.
package struct EngineSettings: Sendable {
    /// Attempts under way at once.
    package var concurrency = 8192
    /// Attempts under way at once to one host.
    package var hostConcurrency = 1024
    /// How long a delivery belongs to this notifier without a sign of life.
    package var lease = Duration.seconds(15)
    /// How long attempts under way may take to finish once a stop is asked for; then they are ended and handed back.
    package var drain = Duration.seconds(20)
    /// Whether only subscriptions whose subscriber confirmed are notified.
    package var confirmedOnly = false
    /// How long nothing but failures may come of a subscription until nothing is sent to it any more; zero: for ever.
    package var disableAfter = Duration.zero
    /// How far the `Retry-After` of an answer is obeyed, whatever the waits of the policy.
    package var retryAfterMax = Duration.seconds(3600)

    package init() {}
}

/// Delivers what the store owes, until it is asked to stop.
///
/// | task | how many | does |
/// |---|---|---|
/// | pump | one a shard | takes events, leases what is due, starts attempts |
/// | settler | one a shard | writes results down |
/// | bell | one | sleeps inside Redis until something was posted |
/// | look | one | once a second: lost bells, due times, leases of the dead, what has expired |
/// | renewal | one | keeps the leases of long attempts |
///
/// A graceful shutdown stops the bell, the look and the pumps; attempts under way finish, or are ended after `drain` and
/// handed back with the number of their attempt; then everything is written down.
package struct Engine: Service {
    private static let lookEvery = Duration.seconds(1)

    private let tools: NotifierTools
    private let bell: BellListener
    private let shards: [Lane]
    private let eventLoop: any EventLoop

    /// - Parameters:
    ///   - bell: A connection of this engine's own, which ends with it.
    ///   - vault: Opens sealed bodies; nil: with the key derived from the master key alone.
    ///   - now: What Redis' clock just showed.
    package init(
        store: Store, client: WebhookClient, bell: RedisBlockingConnection, masterKey: MasterKey,
        vault: Vault? = nil, settings: EngineSettings, now: Timestamp, eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        self.init(
            store: store, client: client, bell: bell, masterKey: masterKey, vault: vault ?? Vault(masterKey: masterKey),
            settings: settings, slots: Slots(limit: settings.concurrency),
            hosts: HostLedger(limit: settings.hostConcurrency), pool: "default", now: now,
            eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// - Parameters:
    ///   - slots: Attempts that may be under way; whoever made them may change how many.
    ///   - hosts: Those of all engines of the process.
    ///   - pool: What this engine's Redis is called.
    init(
        store: Store, client: WebhookClient, bell: RedisBlockingConnection, masterKey: MasterKey, vault: Vault,
        settings: EngineSettings, slots: Slots, hosts: HostLedger, pool: String, now: Timestamp,
        eventLoopGroup: any EventLoopGroup, logger: Logger
    ) {
        let tools = NotifierTools(
            store: store, client: client,
            attempts: Attempts(
                store: store, masterKey: masterKey, vault: vault, confirmedOnly: settings.confirmedOnly,
                retryAfterMax: settings.retryAfterMax),
            slots: slots, hosts: hosts, clock: RedisClock(shown: now), settings: settings,
            metrics: NotifierMetrics(pool: pool), lanes: Lanes(), trouble: TroubleLog(logger: logger), logger: logger)
        self.tools = tools
        self.shards = (0..<store.deliveries.shards).map {
            Lane(shard: $0, tools: tools, eventLoop: eventLoopGroup.next())
        }
        self.eventLoop = eventLoopGroup.next()
        self.bell = BellListener(bell: store.bell, connection: bell, trouble: tools.trouble)
        tools.lanes.open(self.shards)
    }

    package func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            for lane in self.shards { group.addTask { await lane.settler.run() } }
            group.addTask { await self.renew() }
            await self.takeUntilAskedToStop()
            await self.drain()
            for lane in self.shards { lane.settler.stop() }
            group.cancelAll()
        }
    }

    // MARK: Taking

    private func takeUntilAskedToStop() async {
        await withTaskGroup(of: Void.self) { group in
            for lane in self.shards { group.addTask { await lane.pump() } }
            group.addTask { await self.bell.listen { self.shards[$0].request(.take) } }
            group.addTask {
                // Endless, and hears cancellation: it ends when a stop is asked for.
                await cancelWhenGracefulShutdown { await self.look() }
                for lane in self.shards { lane.stopTaking() }
                self.limitDrain()
                await self.bell.stop()
            }
        }
    }

    /// Looks over all shards, in one go, again and again.
    private func look() async {
        let all = self.shards.map(\.shard)
        while !Task.isCancelled {
            do throws(StoreError) {
                let looks = try await self.tools.store.deliveries.look(at: all)
                if let latest = looks.map(\.now).max() { self.tools.clock.observe(latest) }
                for (lane, look) in zip(self.shards, looks) { lane.noticed(look) }
                self.tools.metrics.pending(events: looks.reduce(0) { $0 + $1.events })
            } catch {
                self.tools.trouble.note("Redis could not be looked at", error)
            }
            self.tools.metrics.underWay(self.tools.slots.used)
            // Cancelled: the loop's condition sees it.
            try? await Task.sleep(for: Self.lookEvery)
        }
    }

    /// Renews leases when a third of their time is over; a renewal that fails is tried twice more before they end.
    private func renew() async {
        let lease = self.tools.settings.lease
        while !Task.isCancelled {
            // Cancelled: the loop's condition sees it.
            try? await Task.sleep(for: lease / 5)
            let milliseconds = Int64(lease * 2 / 3 / .milliseconds(1))
            for lane in self.shards {
                do throws(StoreError) {
                    try await lane.settler.renew(endingBefore: self.tools.clock.now.adding(milliseconds: milliseconds))
                } catch {
                    self.tools.trouble.note("Leases could not be renewed", error, shard: lane.shard)
                }
            }
        }
    }

    // MARK: Stopping

    /// From here on attempts have so long to finish.
    ///
    /// Ending them once more after the engine is gone does no harm.
    private func limitDrain() {
        let client = self.tools.client
        let limit = TimeAmount.milliseconds(Int64(self.tools.settings.drain / .milliseconds(1)))
        self.eventLoop.scheduleTask(in: limit) { client.abortAll() }
    }

    private func drain() async {
        let client = self.tools.client
        await withTaskCancellationHandler {
            await self.tools.slots.waitUntilIdle()
        } onCancel: {
            // Nobody waits for us any longer: what is under way is handed back now.
            client.abortAll()
        }
    }
}
