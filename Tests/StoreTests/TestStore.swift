import Domain
import NIOCore
import Redis
import Store
import TestKit
import Testing

/// A store over a Redis of the test's own, with a clock the test moves.
struct TestStore: Sendable {
    let redis: RedisServer
    /// All there are: `redis`, or the masters of a cluster.
    let servers: [RedisServer]
    let pool: RedisClient
    let store: Store
    let time: MovableTime

    /// Every key there is.
    func keys() async throws -> [String] {
        try await self.pool.sendToAll(RedisCommand("KEYS", ["*"])).flatMap { $0.array?.compactMap(\.text) ?? [] }
            .sorted()
    }

    /// Sets a setting of every server.
    func configure(_ name: String, _ value: String) async throws {
        for server in self.servers { try await server.command("CONFIG", "SET", name, value) }
    }

    /// Runs a command on the server that has its key, the second word.
    @discardableResult
    func command(_ name: String, _ key: String, _ words: String...) async throws -> RedisValue {
        var command = RedisCommand(name, [])
        command.append(RedisKey(key))
        for word in words { command.append(word) }
        return try await self.pool.send(command)
    }

    /// The whole name of a key of the only shard.
    func key(_ name: String) -> String { "herald:{\(Shards(count: 1).tags[0])}:\(name)" }

    /// What a key of a shard is called behind its tag; keys of no shard are left out.
    func shardKeys() async throws -> [String] {
        try await self.keys().compactMap { key in
            guard key.hasPrefix("herald:{s"), let tagEnd = key.firstIndex(of: "}") else { return nil }
            return String(key[tagEnd...].dropFirst(2))
        }
    }
}

func withTestStore(
    in program: RedisProgram = .redis, shards: Int = 16, redisTime: Bool = false,
    limits: DeliveryLimits = DeliveryLimits(), formats: ClosedRange<Int> = StoreFormat.understood,
    _ body: (TestStore) async throws -> Void
) async throws {
    try await withRedisClient(in: program) { redis, pool in
        let time = MovableTime.standing()
        let store = try await Store.open(
            on: pool, shards: shards, clock: redisTime ? .redis : .manual { time.now }, limits: limits,
            formats: formats, logger: quietLogger())
        try await body(TestStore(redis: redis, servers: [redis], pool: pool, store: store, time: time))
    }
}

/// Another store over a Redis of its own, as a pool of the first one is.
func withOther(of test: TestStore, _ body: (TestStore) async throws -> Void) async throws {
    try await withRedisClient { redis, pool in
        let store = try await test.store.open(on: pool, logger: quietLogger())
        try await body(TestStore(redis: redis, servers: [redis], pool: pool, store: store, time: test.time))
    }
}

/// The same over the master that Sentinels name, which has two replicas.
func withTestStoreBehindSentinels(
    shards: Int, limits: DeliveryLimits = DeliveryLimits(), _ body: (TestStore) async throws -> Void
) async throws {
    // What keeps a master busy is not to be taken for its end.
    try await withSentinels(downAfter: .seconds(60)) { sentinels in
        try await withRedisClient(to: try RedisURL(sentinels.url(), as: .setting)) { pool in
            let time = MovableTime.standing()
            let store = try await Store.open(
                on: pool, shards: shards, clock: .manual { time.now }, limits: limits, logger: quietLogger())
            let master = sentinels.servers[0]
            try await body(TestStore(redis: master, servers: [master], pool: pool, store: store, time: time))
        }
    }
}

/// The same over a cluster of three masters, of which the first is `redis`.
func withClusteredTestStore(
    shards: Int, limits: DeliveryLimits = DeliveryLimits(), _ body: (TestStore) async throws -> Void
) async throws {
    try await withRedisCluster { cluster in
        try await withRedisClient(to: try RedisURL(cluster.url, as: .setting)) { pool in
            let time = MovableTime.standing()
            let store = try await Store.open(
                on: pool, shards: shards, clock: .manual { time.now }, limits: limits, logger: quietLogger())
            try await body(
                TestStore(
                    redis: cluster.masters[0], servers: cluster.masters, pool: pool, store: store, time: time))
        }
    }
}

/// A queue by its words.
func address(_ project: String, _ name: String) throws -> QueueAddress {
    QueueAddress(project: try ProjectID(project), name: try QueueName(name))
}

func client(_ digit: Int = 1) throws -> ClientID {
    try ClientID(uuid: "3381af92-2b9e-11e3-b191-71861300734\(digit)")
}

extension TestStore {
    /// Posts messages with nothing but a body each.
    @discardableResult
    func post(
        _ bodies: [String], to queue: QueueAddress, ttl: Int? = 3600, delay: Int? = nil, by digit: Int = 1
    ) async throws -> [MessageID] {
        try await self.store.messages.post(
            bodies.map { MessageDraft(ttl: ttl, delay: delay, body: ByteBuffer(string: $0)) }, to: queue,
            by: try client(digit), requestBytes: 100, defaults: PostDefaults(ttl: 3600))
    }

    func listQueues(of project: ProjectID, after: String?, limit: Int) async throws -> [QueueListing] {
        try await self.store.directory.list(of: project, after: after, limit: limit) {
            (queues: [QueueAddress]) async throws(StoreError) -> [[UInt8]?] in
            try await self.store.queues.metadata(of: queues)
        }
    }

    /// What a listing shows.
    func bodies(_ queue: QueueAddress, after: MessageID? = nil, limit: Int = 20) async throws -> [String] {
        try await self.store.messages.list(
            queue, after: after, limit: limit, hiding: nil, includeDelayed: false, includeClaimed: false
        ).map { String(decoding: $0.body, as: UTF8.self) }
    }

    @discardableResult
    func subscribe(
        _ uri: String = "http://127.0.0.1:9/", to queue: QueueAddress, ttl: Int = 1_000_000, pace: Pace = Pace()
    ) async throws -> SubscriptionID {
        try await self.store.subscriptions.create(
            queue, subscriber: try Subscriber(uri), ttl: ttl, options: Array("{}".utf8), pace: pace
        ).id
    }

    /// Subscribes many addresses at once, 200 in flight.
    @discardableResult
    func subscribe(many count: Int, to queue: QueueAddress, ttl: Int = 1_000_000) async throws -> [SubscriptionID] {
        var ids: [SubscriptionID] = []
        for start in stride(from: 0, to: count, by: 200) {
            try await withThrowingTaskGroup(of: SubscriptionID.self) { group in
                for number in start..<min(start + 200, count) {
                    group.addTask { try await self.subscribe("http://\(number)", to: queue, ttl: ttl) }
                }
                for try await id in group { ids.append(id) }
            }
        }
        return ids
    }

    /// Takes from a test of one shard.
    func take(capacity: Int = 1000, page: Int = 200) async throws -> Taken {
        try await self.store.deliveries.take(
            0, allowance: LeaseAllowance(capacity: capacity), page: page, lease: .seconds(15), confirmedOnly: false)
    }

    func lease(capacity: Int = 1000) async throws -> [Lease] {
        try await self.store.deliveries.lease(0, allowance: LeaseAllowance(capacity: capacity), lease: .seconds(15))
            .leases
    }

    func settle(_ leases: [Lease], _ ending: Settlement.Ending) async throws -> [Bool] {
        try await self.store.deliveries.settle(0, leases.map { Settlement($0, ending) }).written
    }

    /// The memory Redis uses, bytes.
    func memory() async throws -> Int { try #require(try await self.store.figures().memory) }

    /// How often Redis executed each command while `body` ran, those inside scripts included.
    func commands(_ body: () async throws -> Void) async throws -> [String: Int] {
        _ = try await self.redis.command("CONFIG", "RESETSTAT")
        try await body()
        let info = String(decoding: try await self.redis.command("INFO", "commandstats").bytes ?? [], as: UTF8.self)
        return Dictionary(
            info.matches(of: #/cmdstat_([a-z]+):calls=([0-9]+)/#).map { (String($0.output.1), Int($0.output.2) ?? 0) },
            uniquingKeysWith: +)
    }

    /// Sweeps until nothing is due.
    func sweepAll(shard: Int = 0) async throws {
        while try await self.store.deliveries.sweep(shard).more {}
    }
}
