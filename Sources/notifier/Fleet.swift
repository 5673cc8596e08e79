import Domain
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Pools
import Redis
import Runtime
import ServiceLifecycle
import Startup
import Store

/// An engine for every Redis that holds queues.
///
/// ```
/// control store ──► PoolWatch ──links──► Fleet ──► engine of the default store    connections, bell, transfer thread
///                                              ├─► engine of a pool               each of its own
///                                              └─► …
/// ```
///
/// One begins when a pool is added and ends, its attempts finished or handed back, when the pool is removed. They share
/// nothing but `notifier.concurrency`, of which each has the same part, and what may be under way to one host: a Redis that
/// is down, or full of due deliveries, holds up none of the others.
struct Fleet: Service {
    private let control: Store
    private let watch: PoolWatch
    private let settings: NotifierSettings
    private let hosts: HostLedger
    private let eventLoops: any EventLoopGroup
    private let logger: Logger
    private let onWork: @Sendable () -> Void

    /// - Parameter onWork: Called when the default store is served.
    init(
        control: Store, watch: PoolWatch, settings: NotifierSettings, eventLoops: any EventLoopGroup, logger: Logger,
        onWork: @escaping @Sendable () -> Void
    ) {
        self.control = control
        self.watch = watch
        self.settings = settings
        self.hosts = HostLedger(limit: settings.engine.hostConcurrency)
        self.eventLoops = eventLoops
        self.logger = logger
        self.onWork = onWork
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var berths: [PoolLink: Berth] = [:]
            for await links in self.watch.changes().cancelOnGracefulShutdown() {
                let wanted = Set(links.links)
                for (link, berth) in berths where !wanted.contains(link) {
                    berths[link] = nil
                    self.logger.notice("A pool is no longer served", metadata: ["pool": "\(link.name)"])
                    await berth.group.triggerGracefulShutdown()
                }
                for link in links.links where berths[link] == nil {
                    let berth = self.berth(of: link)
                    berths[link] = berth
                    self.logger.info("A pool is served", metadata: ["pool": "\(link.name)"])
                    // A stop of the process reaches the group by itself: it runs inside of ours.
                    group.addTask { try await berth.group.run() }
                }
                let share = max(1, self.settings.engine.concurrency / max(1, berths.count))
                for berth in berths.values { berth.slots.limit(to: share) }
            }
            try await group.waitForAll()
        }
    }

    /// One engine and all that is its own, in start order; a stop runs backwards.
    private struct Berth {
        let group: ServiceGroup
        let slots: Slots
    }

    private func berth(of link: PoolLink) -> Berth {
        let slots = Slots(limit: self.settings.engine.concurrency)
        let redis = RedisPool(
            endpoint: link.target.endpoint, connections: self.settings.store.redisConnections,
            deadline: link.target.deadline ?? RedisLimits.deadline,
            eventLoopGroup: self.eventLoops, logger: self.logger)
        let bell = RedisBlockingConnection(
            endpoint: link.target.endpoint, eventLoopGroup: self.eventLoops, logger: self.logger)
        let engine = Opening("the store of \(link.name)", logger: self.logger) {
            let store = try await self.control.open(on: redis, logger: self.logger)
                .entering(in: self.control, as: link.homes, by: nil)
            guard let look = try await store.deliveries.look(at: [0]).first else {
                throw StoreError.corrupt("a look at one shard saw none")
            }
            return (store: store, now: look.now)
        } services: { opened in
            let client = try WebhookClient(
                limits: self.settings.webhook, egress: self.settings.egress, version: HeraldVersion.text,
                logger: self.logger)
            let engine = Engine(
                store: opened.store, client: client, bell: bell, masterKey: self.settings.store.masterKey,
                vault: self.settings.store.vault, settings: self.settings.engine, slots: slots, hosts: self.hosts,
                pool: link.name, now: opened.now, eventLoopGroup: self.eventLoops, logger: self.logger)
            if link.isDefault { self.onWork() }
            return [StoppingClient(client: client), engine]
        }
        return Berth(
            group: ServiceGroup(configuration: .init(services: [redis, bell, engine], logger: self.logger)),
            slots: slots)
    }
}

extension PoolLink {
    /// For logs and metrics.
    fileprivate var name: String { self.homes.map { $0?.text ?? "default" }.joined(separator: ",") }
}

/// Ends a transfer thread after the engine, which is the last to use it.
private struct StoppingClient: Service {
    let client: WebhookClient

    func run() async throws {
        // Cancelled or asked to stop: the thread ends either way.
        try? await gracefulShutdown()
        self.client.stop()
    }
}
