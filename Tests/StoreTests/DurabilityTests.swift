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
        let rule = durability == .replicated ? ReplicationRule(replicas: replicas, deadline: .seconds(1)) : nil
        try await withRedisClient(to: RedisURL(redis.endpoint), replication: rule) { client in
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
                await #expect(throws: StoreError.notReplicated) { try await self.post("2", to: queue, nil, of: store) }
                #expect(try await self.bodies(queue, of: store) == ["1", "2"])
                // Creating again what is there waits as well: it may be there by a request that failed so.
                await #expect(throws: StoreError.notReplicated) {
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
                await #expect(throws: StoreError.notReplicated) { try await self.post("1", to: queue, nil, of: store) }
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
                await #expect(throws: StoreError.notReplicated) {
                    try await self.post("2", to: usual, QueueTraits(encryptsMessages: false), of: store)
                }
                #expect(try await self.bodies(fast, of: store) == ["1"])
                replicas[0].resume()
                let isChanged: Bool? = try await eventually {
                    do {
                        _ = try await store.queues.update(fast) { _ in (Array("{}".utf8), QueueAttributes()) }
                        return true
                    } catch StoreError.notReplicated {
                        return nil
                    }
                }
                #expect(isChanged == true)
                #expect(try await store.queues.traits(of: fast).durability == nil)
            }
        }
    }
}
