import Domain
import HTTPClient
import Keystone
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Placement
import Redis
import Runtime
import ServiceLifecycle
import Startup
import Store
import TLS

/// Runs an engine for every Redis that holds queues.
///
/// ```
/// control store ──► PoolWatch ──links──► PoolSupervisor ──► PoolWorker of the default store    connections, transfer thread
///                                                       ├─► PoolWorker of a pool               each of its own
///                                                       └─► …
/// ```
///
/// One begins when a pool is added and ends, its attempts finished or handed back, when the pool is removed. They share
/// `notifier.concurrency`, the connections and the bytes in flight, of which each has the same part, what may be in flight to one host, and the
/// gate for suspects: a Redis that is down, or full of due deliveries, holds up none of the others. One that cannot start is
/// tried again, and meanwhile the process says that it is not ready.
struct PoolSupervisor: Service {
    private let control: Store
    private let watch: PoolWatch
    private let settings: NotifierSettings
    private let redisTLS: TLSContextHolder
    private let hosts: HostLimiter
    private let gate = SuspectGate()
    private let health: PoolHealth
    private let served: ServedStores
    /// nil: no mail is sent.
    private let mail: MailRelay?
    private let sessions: SessionRelay
    /// Asks Keystone as the trustee; nil: no endpoint is called with a token.
    private let trustee: KeystoneClient?
    private let tokens: TrustTokens?
    private let eventLoops: any EventLoopGroup
    private let logger: Logger
    private let onWork: @Sendable () -> Void

    /// - Parameters:
    ///   - health: Says which pools cannot be served.
    ///   - served: Learns which stores are open.
    ///   - redisTLS: What connections to pools are encrypted with where their URIs say so.
    ///   - mail: Sends mails for all pools; it ends with this service.
    ///   - trustee: Asks Keystone as the trustee; nil: no endpoint is called with a token.
    ///   - sessions: Brings notifications to sessions for all pools.
    ///   - onWork: Called when the default store is served.
    init(
        control: Store, watch: PoolWatch, settings: NotifierSettings, health: PoolHealth,
        served: ServedStores, redisTLS: TLSContextHolder, mail: MailRelay?, sessions: SessionRelay,
        trustee: KeystoneClient?,
        eventLoops: any EventLoopGroup, logger: Logger,
        onWork: @escaping @Sendable () -> Void
    ) {
        self.control = control
        self.watch = watch
        self.settings = settings
        self.redisTLS = redisTLS
        self.hosts = HostLimiter(limit: settings.engine.hostConcurrency)
        self.health = health
        self.served = served
        self.mail = mail
        self.sessions = sessions
        self.trustee = trustee
        self.tokens = trustee.map { TrustTokens($0, clock: { .ofThisMachine() }) }
        self.eventLoops = eventLoops
        self.logger = logger
        self.onWork = onWork
    }

    func run() async throws {
        defer { self.mail?.stop() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            var pools: [PoolEndpoint: ServedPool] = [:]
            for await endpoints in self.watch.changes().cancelOnGracefulShutdown() {
                let wanted = Set(endpoints.endpoints)
                for (endpoint, pool) in pools where !wanted.contains(endpoint) {
                    pools[endpoint] = nil
                    self.served.set(nil, of: endpoint)
                    self.logger.notice("A pool is no longer served", metadata: ["pool": "\(endpoint.name)"])
                    await pool.group.triggerGracefulShutdown()
                }
                for endpoint in endpoints.endpoints where pools[endpoint] == nil {
                    let pool = self.pool(of: endpoint)
                    pools[endpoint] = pool
                    self.logger.info("A pool is served", metadata: ["pool": "\(endpoint.name)"])
                    // A stop of the process reaches the group by itself: it runs inside of ours.
                    group.addTask { try await pool.group.run() }
                }
                let count = max(1, pools.count)
                for pool in pools.values {
                    pool.limiter.limit(
                        slots: self.settings.engine.concurrency / count,
                        bytes: self.settings.engine.bytesInFlight / count)
                    pool.connections.max = max(1, self.settings.webhook.transfersMax / count)
                }
            }
            try await group.waitForAll()
        }
    }

    /// What serves one pool, and what that may have in flight and open.
    private struct ServedPool {
        let group: ServiceGroup
        let limiter: ConcurrencyLimiter
        let connections: ConnectionShare
    }

    private func pool(of endpoint: PoolEndpoint) -> ServedPool {
        let settings = self.settings.engine
        let limiter = ConcurrencyLimiter(slots: settings.concurrency, bytes: settings.bytesInFlight)
        let connections = ConnectionShare(self.settings.webhook.transfersMax)
        let worker = PoolWorker(name: endpoint.name, health: self.health, logger: self.logger) {
            let redis = RedisClient(
                url: endpoint.url, tls: self.redisTLS, connections: self.settings.store.redisConnections,
                reach: self.settings.store.reach, eventLoopGroup: self.eventLoops, logger: self.logger)
            var all: [any Channel] = [
                try await WebhookChannel.started(
                    limits: self.settings.webhook, share: connections, egress: self.settings.egress,
                    tls: self.settings.webhookTLS.files, tokens: self.tokens, version: HeraldVersion.text,
                    logger: self.logger),
                SessionChannel(relay: self.sessions),
            ]
            if let mail = self.mail {
                let links = self.settings.links
                all.append(EmailChannel(relay: mail, pages: links.pages, keys: links.keys, texts: links.texts))
            }
            let channels = Channels(all)
            let opening = Opening("the store of \(endpoint.name)", drain: self.settings.drain, logger: self.logger) {
                let store = try await self.control.open(on: redis, logger: self.logger)
                    .registering(in: self.control, as: endpoint.pools, by: nil)
                guard let status = try await store.deliveries.status(of: [0]).first else {
                    throw StoreError.corrupt("the status of one shard is missing")
                }
                return (store: store, now: status.now)
            } services: { opened in
                let engine = Engine(
                    store: opened.store, channels: channels, masterKey: self.settings.store.masterKey,
                    vault: self.settings.store.vault, settings: settings, limiter: limiter, hosts: self.hosts,
                    gate: self.gate, control: self.control, pool: endpoint.name, now: opened.now,
                    eventLoopGroup: self.eventLoops, logger: self.logger)
                self.served.set(opened.store, of: endpoint)
                if endpoint.isDefault { self.onWork() }
                let watch = StoreWatch(opened.store, name: endpoint.name, logger: self.logger)
                guard let trustee = self.trustee else { return [watch, engine] }
                return [watch, TrustRemovals(opened.store.trusts, trustee, logger: self.logger), engine]
            }
            return [StoppingChannels(channels: channels), redis, opening]
        }
        return ServedPool(
            group: ServiceGroup(configuration: .init(services: [worker], logger: self.logger)), limiter: limiter,
            connections: connections)
    }
}

/// Ends the threads of the channels after the engine, which is the last to use them.
private struct StoppingChannels: Service {
    let channels: Channels

    func run() async throws {
        // Cancelled or asked to stop: the threads end either way.
        try? await gracefulShutdown()
        self.channels.stop()
    }
}
