import Domain
import HTTPClient
import Logging
import NIOCore
import NIOPosix
import Notifier
import Redis
import ServiceLifecycle
import Signing
import Store
import TestKit
import Testing

/// A Redis, a store in it, and as many notifiers as a test starts; one queue to post into.
struct TestDeployment: Sendable {
    let redis: RedisServer
    /// Where notifiers find the store.
    private let url: RedisURL
    /// All there are: `redis`, or the masters of a cluster.
    private let servers: [RedisServer]
    let store: Store
    let masterKey: MasterKey
    let queue: QueueAddress
    private let client: ClientID

    fileprivate init(at url: RedisURL, _ servers: [RedisServer], store: Store) throws {
        self.redis = servers[0]
        self.url = url
        self.servers = servers
        self.store = store
        self.masterKey = try MasterKey(MasterKey.generate())
        self.queue = QueueAddress(project: try ProjectID("notifier-tests"), name: try QueueName("orders"))
        self.client = try ClientID(uuid: "3381af92-2b9e-11e3-b191-71861300734c")
    }

    @discardableResult
    func post(_ bodies: String..., ttl: Int = 3600, to queue: QueueAddress? = nil) async throws -> [MessageID] {
        try await self.post(bodies, ttl: ttl, to: queue)
    }

    @discardableResult
    func post(_ bodies: [String], ttl: Int = 3600, to queue: QueueAddress? = nil) async throws -> [MessageID] {
        try await self.store.messages.post(
            bodies.map { MessageDraft(ttl: ttl, delay: nil, body: ByteBuffer(string: $0)) }, to: queue ?? self.queue,
            by: self.client, requestBytes: 0, defaults: PostDefaults(ttl: 3600))
    }

    /// Posts a message as a queue with encryption keeps it.
    func postSealed(_ body: String, with vault: Vault) async throws {
        let sealed = SealedBody.seal(Array(body.utf8).span, for: self.queue, in: vault)
        _ = try await self.store.messages.post(
            [MessageDraft(ttl: 300, body: ByteBuffer(bytes: sealed), isSealed: true)], to: self.queue, by: self.client,
            requestBytes: 0, defaults: PostDefaults(ttl: 3600))
    }

    @discardableResult
    func subscribe(
        _ url: String, queue: QueueAddress? = nil, options: String = "{}", pace: Pace = Pace()
    ) async throws -> SubscriptionID {
        try await self.store.subscriptions.create(
            queue ?? self.queue, subscriber: Subscriber(url), ttl: 3600, options: Array(options.utf8), pace: pace
        ).id
    }

    /// Replaces the options of a subscription, as a PATCH does.
    func change(_ subscription: SubscriptionID, options: String) async throws {
        _ = try await self.store.subscriptions.update(
            self.queue, id: subscription, SubscriptionChange(options: Array(options.utf8)),
            resettingConfirmation: false)
    }

    /// Gives the queue this policy, as a PUT or a PATCH of its metadata does.
    func setQueuePolicy(_ policy: RetryPolicy?) async throws {
        let attributes = QueueAttributes(retryPolicy: policy)
        let isNew = try await self.store.queues.create(self.queue, metadata: Array("{}".utf8), attributes: attributes)
        if !isNew { _ = try await self.store.queues.update(self.queue) { ($0, attributes) } }
    }

    func secret(of subscription: SubscriptionID) -> WebhookSecret {
        self.masterKey.webhookSecret(project: self.queue.project, subscription: subscription, version: 1)
    }

    func deadLetters() async throws -> [DeadLetter] {
        try await self.store.deliveries.deadLetters(of: self.queue, limit: 1000).deadLetters
    }

    /// Waits until there are this many dead letters.
    func deadLetters(waitingFor count: Int) async throws -> [DeadLetter] {
        try await eventually {
            let deadLetters = try await self.deadLetters()
            return deadLetters.count >= count ? deadLetters : nil
        } ?? []
    }

    /// Takes everything that was posted, as another notifier would, and keeps it for a minute.
    func takeAll() async throws -> [Lease] {
        var leases: [Lease] = []
        for shard in 0..<self.store.deliveries.shards {
            var hasMore = true
            while hasMore {
                let taken = try await self.store.deliveries.take(
                    shard, allowance: LeaseAllowance(capacity: 1000), lease: .seconds(60), confirmedOnly: false)
                leases += taken.leases
                hasMore = taken.more
            }
        }
        return leases
    }

    /// The first shard of which a lease is held.
    func shardWithLease() async throws -> Int? {
        let looks = try await self.store.deliveries.status(of: Array(0..<self.store.deliveries.shards))
        return looks.firstIndex { $0.oldestLease != nil }
    }

    /// Scripts that Redis ran so far.
    func scriptCalls() async throws -> Int {
        var calls = 0
        for server in self.servers {
            let text = try await server.command("INFO", "commandstats").text ?? ""
            let lines = text.split(separator: "\r\n").filter { $0.hasPrefix("cmdstat_evalsha:calls=") }
            calls += lines.compactMap { Int($0.dropFirst("cmdstat_evalsha:calls=".count).prefix { $0.isNumber }) }
                .reduce(0, +)
        }
        return calls
    }

    /// Waits until no delivery waits and no lease is held, also where Redis has just come back.
    func isSettled() async throws -> Bool {
        try await eventually {
            guard let looks = try? await self.store.deliveries.status(of: Array(0..<self.store.deliveries.shards))
            else { return nil }
            return looks.allSatisfy { $0.events == 0 && $0.oldestLease == nil && $0.nextDue == nil } ? true : nil
        } ?? false
    }

    /// Runs a notifier while `body` runs, and then asks it to stop, as SIGTERM does.
    ///
    /// Afterwards nothing is in flight, whatever happened.
    ///
    /// - Parameters:
    ///   - endpoint: Where the notifier finds Redis; nil: where it is.
    ///   - version: Of its `User-Agent`.
    func withNotifier<Result: Sendable>(
        settings: EngineSettings = EngineSettings(), limits: HTTPClientLimits = HTTPClientLimits(),
        opening ranges: [String] = ["127.0.0.0/8"], at endpoint: RedisEndpoint? = nil, version: String = "test",
        _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        try await self.withEngine(settings: settings, limits: limits, opening: ranges, at: endpoint, version: version) {
            _ in
            try await body()
        }
    }

    /// As ``withNotifier(settings:limits:opening:at:version:_:)``, for what asks the engine itself.
    func withEngine<Result: Sendable>(
        settings: EngineSettings = EngineSettings(), limits: HTTPClientLimits = HTTPClientLimits(),
        opening ranges: [String] = ["127.0.0.0/8"], at endpoint: RedisEndpoint? = nil,
        beside others: [any Notifier.Channel] = [], control: Store? = nil, version: String = "test",
        _ body: @Sendable (Engine) async throws -> Result
    ) async throws -> Result {
        let client = RedisClient(
            url: endpoint.map { RedisURL($0) } ?? self.url, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: quietLogger())
        let store = try await Store.open(on: client, shards: 4, logger: quietLogger())
        let now = try await store.deliveries.status(of: [0])[0].now
        let result = try await withWebhooks(opening: ranges, limits: limits, version: version) { channel in
            let engine = Engine(
                store: store, channels: Channels([channel] + others), masterKey: self.masterKey,
                settings: settings, control: control, now: now,
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLogger())
            let group = ServiceGroup(
                services: [engine], gracefulShutdownSignals: [], cancellationSignals: [], logger: quietLogger())
            async let running: Void = group.run()
            let outcome: Swift.Result<Result, any Error>
            do { outcome = .success(try await body(engine)) } catch { outcome = .failure(error) }
            await group.triggerGracefulShutdown()
            try await running
            // The transfer thread holds the last body until it has returned from the completion of its request.
            let isIdle = try await eventually { engine.inFlight == .nothing ? true : nil }
            #expect(isIdle == true, "\(engine.inFlight)")
            return try outcome.get()
        }
        await client.shutDown()
        return result
    }
}

func withTestDeployment<Result>(
    appendOnly: Bool = false, _ body: (TestDeployment) async throws -> Result
) async throws -> Result {
    try await withRedisClient(appendOnly: appendOnly) { redis, client in
        let store = try await Store.open(on: client, shards: 4, logger: quietLogger())
        return try await body(TestDeployment(at: RedisURL(redis.endpoint), [redis], store: store))
    }
}

/// The same over a cluster of three masters.
func withClusteredTestDeployment(_ body: (TestDeployment) async throws -> Void) async throws {
    try await withRedisCluster { cluster in
        let url = try RedisURL(cluster.url, as: .setting)
        try await withRedisClient(to: url) { client in
            let store = try await Store.open(on: client, shards: 4, logger: quietLogger())
            try await body(TestDeployment(at: url, cluster.masters, store: store))
        }
    }
}

/// The same over the master that Sentinels name, which has two replicas.
private func withTestDeploymentBehindSentinels(_ body: (TestDeployment) async throws -> Void) async throws {
    try await withSentinels(downAfter: .seconds(60)) { sentinels in
        let url = try RedisURL(sentinels.url(), as: .setting)
        try await withRedisClient(to: url) { client in
            let store = try await Store.open(on: client, shards: 4, logger: quietLogger())
            try await body(TestDeployment(at: url, [sentinels.servers[0]], store: store))
        }
    }
}

/// What the store of a test deployment is on.
enum TestTopology: CaseIterable {
    case server, sentinels, cluster

    func withDeployment(_ body: (TestDeployment) async throws -> Void) async throws {
        switch self {
        case .server: try await withTestDeployment { try await body($0) }
        case .sentinels: try await withTestDeploymentBehindSentinels(body)
        case .cluster: try await withClusteredTestDeployment(body)
        }
    }
}
