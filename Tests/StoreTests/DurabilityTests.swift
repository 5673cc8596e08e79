import Domain
import NIOCore
import Redis
import Store
import TestKit
import Testing

/// How far messages get before a post returns.
struct DurabilityTests {
    private func withStore(
        in redis: RedisServer, _ durability: Durability, replicas: Int = 1,
        _ body: (Store) async throws -> Void
    ) async throws {
        let goal: WriteReach.Goal? =
            switch durability {
            case .memory: nil
            case .disk: .disk
            case .replicated: .replicas(replicas)
            }
        let reach = goal.map { WriteReach($0, within: .seconds(3)) }
        try await withRedisClient(to: RedisURL(redis.endpoint), reach: reach) { client in
            try await body(try await Store.open(on: client, shards: 1, durability: durability, logger: quietLogger()))
        }
    }

    private func post(_ body: String, to queue: QueueAddress, _ traits: QueueTraits?, of store: Store) async throws
        -> PostOutcome
    {
        try await store.messages.post(
            [MessageDraft(ttl: 600, body: ByteBuffer(string: body))], to: queue, by: try client(), requestBytes: 10,
            defaults: PostDefaults(ttl: 600), expecting: traits)
    }

    private func reached(_ outcome: PostOutcome) -> Durability? {
        if case .posted(_, let durability) = outcome { durability } else { nil }
    }

    private func bodies(_ queue: QueueAddress, of store: Store) async throws -> [String] {
        try await store.messages.list(
            queue, after: nil, limit: 20, hiding: nil, includeDelayed: false, includeClaimed: false
        ).map { String(decoding: $0.body, as: UTF8.self) }
    }

    @Test func `A store that is asked for the disk takes a Redis that writes to it first`() async throws {
        let queue = try address("p", "q")
        for (arguments, isTaken) in [
            (["--appendonly", "yes", "--appendfsync", "always"], true),
            (["--appendonly", "yes", "--appendfsync", "everysec"], false), (["--appendonly", "no"], false),
        ] {
            try await withRedis(arguments: arguments) { redis in
                do {
                    try await self.withStore(in: redis, .disk) { store async throws in
                        #expect(isTaken)
                        #expect(Durability.allCases.filter { store.durability.offers($0) } == [.memory, .disk])
                        #expect(self.reached(try await self.post("1", to: queue, nil, of: store)) == .disk)
                    }
                } catch let error as StoreOpeningError {
                    #expect(!isTaken && error == .notOnDisk)
                }
            }
        }
    }

    @Test func `A Redis that can be waited for need not sync each write`() async throws {
        let queue = try address("p", "q")
        try await withRedis(.valkey, arguments: ["--appendonly", "yes", "--appendfsync", "everysec"]) { redis in
            try await self.withStore(in: redis, .disk) { store async throws in
                #expect(Durability.allCases.filter { store.durability.offers($0) } == [.memory, .disk])
                #expect(self.reached(try await self.post("1", to: queue, nil, of: store)) == .disk)
                let fast = QueueTraits(encryptsMessages: false, durability: .memory)
                let quick = try address("p", "quick")
                _ = try await store.queues.create(
                    quick, metadata: Array("{}".utf8), attributes: QueueAttributes(durability: .memory))
                #expect(self.reached(try await self.post("2", to: quick, fast, of: store)) == .memory)
                let statistics = try #require(try await redis.command("INFO", "commandstats").text)
                #expect(statistics.contains("cmdstat_waitaof:calls="))
                // It no longer writes to its disk: what is posted is stored, and is not said to be there.
                try await redis.command("CONFIG", "SET", "appendonly", "no")
                await #expect(throws: StoreError.notReached(.disk)) {
                    try await self.post("3", to: queue, nil, of: store)
                }
                #expect(try await self.bodies(queue, of: store) == ["1", "3"])
            }
        }
        // A wait would not end where nothing syncs, or only behind a rewrite of the file.
        for arguments in [
            ["--appendonly", "no"], ["--appendonly", "yes", "--appendfsync", "no"],
            ["--appendonly", "yes", "--appendfsync", "everysec", "--no-appendfsync-on-rewrite", "yes"],
        ] {
            try await withRedis(.valkey, arguments: arguments) { redis in
                await #expect(throws: StoreOpeningError.notOnDisk) {
                    try await self.withStore(in: redis, .disk) { _ in }
                }
            }
        }
    }

    @Test func `A queue that asks for what is not offered any more gets what is usual`() async throws {
        let queue = try address("p", "q")
        try await withRedis(.valkey, arguments: ["--appendonly", "yes", "--appendfsync", "everysec"]) { redis in
            try await self.withStore(in: redis, .disk) { store async throws in
                _ = try await store.queues.create(
                    queue, metadata: Array("{}".utf8), attributes: QueueAttributes(durability: .replicated))
                let traits = QueueTraits(encryptsMessages: false, durability: .replicated)
                #expect(self.reached(try await self.post("1", to: queue, traits, of: store)) == .disk)
            }
        }
    }

    @Test func `A Redis that no longer syncs each write is left until it does`() async throws {
        let queue = try address("p", "q")
        try await withRedis(appendOnly: true) { redis in
            try await self.withStore(in: redis, .disk) { store async throws in
                #expect(self.reached(try await self.post("1", to: queue, nil, of: store)) == .disk)
                try await redis.command("CONFIG", "SET", "appendfsync", "everysec")
                let refused: StoreError? = try await eventually {
                    do {
                        _ = try await self.post("2", to: queue, nil, of: store)
                        return nil
                    } catch let error as StoreError {
                        return error
                    }
                }
                #expect(refused?.trouble == .unreachable)
                try await redis.command("CONFIG", "SET", "appendfsync", "always")
                let taken: Bool? = try await eventually {
                    do {
                        return self.reached(try await self.post("3", to: queue, nil, of: store)) == .disk
                    } catch is StoreError {
                        return nil
                    }
                }
                #expect(taken == true)
            }
        }
    }

    @Test func `A user who may not ask for the configuration gets no disk`() async throws {
        try await withRedis(appendOnly: true) { redis in
            try await redis.command("ACL", "SETUSER", "default", "-config")
            await #expect(throws: StoreOpeningError.notOnDisk) { try await self.withStore(in: redis, .disk) { _ in } }
            // Nothing else asks for it.
            try await self.withStore(in: redis, .memory) { store async throws in
                #expect(Durability.allCases.filter { store.durability.offers($0) } == [.memory])
            }
        }
    }

    @Test func `A message counts as replicated once its replicas have it, and is there before`() async throws {
        let queue = try address("p", "q")
        try await withReplicatedRedis(replicas: 2) { master, replicas async throws in
            try await self.withStore(in: master, .replicated, replicas: 2) { store async throws in
                #expect(Durability.allCases.filter { store.durability.offers($0) } == [.memory, .replicated])
                #expect(self.reached(try await self.post("1", to: queue, nil, of: store)) == .replicated)
                for replica in replicas {
                    #expect(
                        try await replica.command("XLEN", "herald:{\(Shards(count: 1).tags[0])}:queue:1:p:q:log").int
                            == 1)
                }
                replicas[1].pause()
                await #expect(throws: StoreError.notReached(.replicated)) {
                    try await self.post("2", to: queue, nil, of: store)
                }
                #expect(try await self.bodies(queue, of: store) == ["1", "2"])
                // Creating again what is there waits as well: it may be there by a request that failed so.
                await #expect(throws: StoreError.notReached(.replicated)) {
                    try await store.queues.create(queue, metadata: Array("{}".utf8), attributes: QueueAttributes())
                }
                replicas[1].resume()
                let isWhole: Bool? = try await eventually {
                    do { return self.reached(try await self.post("3", to: queue, nil, of: store)) == .replicated } catch
                    {
                        return nil
                    }
                }
                #expect(isWhole == true)
            }
        }
    }

    @Test func `A message to a queue that is not there yet is stored before its replicas are missed`() async throws {
        let queue = try address("p", "new")
        try await withReplicatedRedis(replicas: 1) { master, replicas async throws in
            try await self.withStore(in: master, .replicated) { store async throws in
                replicas[0].pause()
                await #expect(throws: StoreError.notReached(.replicated)) {
                    try await self.post("1", to: queue, nil, of: store)
                }
                #expect(try await self.bodies(queue, of: store) == ["1"])
                replicas[0].resume()
            }
        }
    }

    @Test func `A queue that asks for less does not wait for replicas`() async throws {
        let (fast, usual) = (try address("p", "fast"), try address("p", "usual"))
        try await withReplicatedRedis(replicas: 1) { master, replicas async throws in
            try await self.withStore(in: master, .replicated) { store async throws in
                _ = try await store.queues.create(
                    fast, metadata: Array("{}".utf8), attributes: QueueAttributes(durability: .memory))
                let traits = try await store.queues.traits(of: fast)
                #expect(traits == QueueTraits(encryptsMessages: false, durability: .memory))
                replicas[0].pause()
                // The caller believes that it says nothing: it learns better, and has written nothing.
                let answer = try await self.post("0", to: fast, QueueTraits(encryptsMessages: false), of: store)
                #expect(answer == .traitsDiffer(traits))
                #expect(self.reached(try await self.post("1", to: fast, traits, of: store)) == .memory)
                await #expect(throws: StoreError.notReached(.replicated)) {
                    try await self.post("2", to: usual, QueueTraits(encryptsMessages: false), of: store)
                }
                #expect(try await self.bodies(fast, of: store) == ["1"])
                replicas[0].resume()
                let isChanged: Bool? = try await eventually {
                    do {
                        _ = try await store.queues.update(fast) { _ in (Array("{}".utf8), QueueAttributes()) }
                        return true
                    } catch StoreError.notReached(.replicated) {
                        return nil
                    }
                }
                #expect(isChanged == true)
                #expect(try await store.queues.traits(of: fast).durability == nil)
            }
        }
    }
}
