import Domain
import Redis
import Store
import TestKit
import Testing

struct OpeningTests {
    private func open(
        _ pool: RedisClient, shards: Int = 16, formats: ClosedRange<Int> = StoreFormat.understood
    ) async -> StoreOpeningError? {
        do throws(StoreOpeningError) {
            _ = try await Store.open(on: pool, shards: shards, formats: formats, logger: quietLogger())
            return nil
        } catch {
            return error
        }
    }

    @Test func `Another number of shards is refused, with both numbers`() async throws {
        try await withRedisClient { _, pool in
            #expect(await self.open(pool, shards: 16) == nil)
            #expect(await self.open(pool, shards: 16) == nil)
            let error = await self.open(pool, shards: 8)
            #expect(error == .shardsDiffer(asked: 8, kept: 16))
            #expect(error?.description.contains("16") == true && error?.description.contains("8") == true)
        }
    }

    @Test func `Every process of a test makes the same ids`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let id = try #require(try await test.post(["1"], to: queue).first)
            let other = try await Store.open(on: test.pool, shards: 16, logger: quietLogger())
            #expect(other.messages.isIssued(id, in: queue))
        }
    }

    @Test func `A store of a format that is not understood is refused, and nothing is written`() async throws {
        try await withRedisClient { redis, pool in
            #expect(await self.open(pool, formats: 2...3) == nil)
            #expect(try await redis.command("GET", "herald:{control}:format").text == "3")
            let keys = try await redis.command("KEYS", "*").array?.count
            #expect(await self.open(pool, formats: 1...2) == .formatUnknown(kept: 3, understood: 1...2))
            #expect(await self.open(pool, formats: 4...5) == .formatUnknown(kept: 3, understood: 4...5))
            #expect(try await redis.command("KEYS", "*").array?.count == keys)
            let error = StoreOpeningError.formatUnknown(kept: 3, understood: 1...2)
            #expect(error.description.contains("has format 3, and this Herald understands formats 1 to 2"))
        }
    }

    @Test func `A process that understands newer formats keeps to that of the store, also in new pools`() async throws {
        try await withRedisClient { _, pool in
            #expect(await self.open(pool, formats: 1...1) == nil)
            let store = try await Store.open(on: pool, shards: 16, formats: 1...2, logger: quietLogger())
            #expect(store.format == 1)
            try await withRedisClient { _, other in
                let opened = try await store.open(on: other, logger: quietLogger())
                #expect(opened.format == 1)
            }
        }
    }

    @Test func `A store without a format was not written by Herald`() async throws {
        try await withRedisClient { redis, pool in
            #expect(await self.open(pool) == nil)
            try await redis.command("DEL", "herald:{control}:format")
            #expect(await self.open(pool) == .corrupt(key: "herald:{control}:format"))
        }
    }

    @Test func `A Redis that evicts is refused, with the command that mends it`() async throws {
        try await withRedis(arguments: ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]) { redis in
            try await withRedisClient(to: redis.endpoint) { pool in
                let error = await self.open(pool)
                #expect(error == .evicts(policy: "allkeys-lru"))
                #expect(error?.description.contains("CONFIG SET maxmemory-policy noeviction") == true)
                try await redis.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
                #expect(await self.open(pool) == nil)
            }
        }
    }

    @Test func `An evicting policy without a limit never evicts, and is fine`() async throws {
        try await withRedis(arguments: ["--maxmemory-policy", "allkeys-lru"]) { redis in
            try await withRedisClient(to: redis.endpoint) { pool in #expect(await self.open(pool) == nil) }
        }
    }

    @Test(arguments: ["herald:{control}:shards", "herald:{control}:id-key"])
    func `A key that Herald did not write is named`(key: String) async throws {
        try await withRedisClient { redis, pool in
            try await redis.command("SET", key, "none of ours")
            #expect(await self.open(pool) == .corrupt(key: key))
        }
    }

    @Test func `A full Redis refuses writes, keeps what it has, and says so`() async throws {
        try await withRedis(arguments: ["--maxmemory", "3mb", "--maxmemory-policy", "noeviction"]) { redis in
            try await withRedisClient(to: redis.endpoint) { pool in
                let store = try await Store.open(on: pool, shards: 16, logger: quietLogger())
                #expect(try await store.probeWritable())
                try await redis.command("CONFIG", "SET", "maxmemory", "1")
                #expect(try await !store.probeWritable())
                try await store.ping()
                do {
                    _ = try await store.queues.create(try address("p", "q"), metadata: [], attributes: .init())
                    Issue.record("a queue was created in a full Redis")
                } catch StoreError.unavailable(.refused(let refusal)) {
                    #expect(refusal.kind == .oom)
                }
            }
        }
    }
}
