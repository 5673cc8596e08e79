import Domain
import Redis
import Store
import TestKit
import Testing

/// A Redis that loses its data, or is exchanged, under a process that knew it.
struct ReplacedStoreTests {
    @Test(arguments: [
        ["FLUSHALL"], ["DEL", "herald:{control}:identity"], ["SET", "herald:{control}:identity", "another"],
    ])
    func `A store that is missing or another is noticed, and refused from then on`(command: [String]) async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let id = try await test.post(["1"], to: queue)[0]
            _ = try await test.pool.send(RedisCommand(command[0], command.dropFirst()))
            #expect(try await eventually { test.store.isCurrent ? nil : true } == true)
            do {
                _ = try await test.store.messages.get(queue, id: id)
                Issue.record("a request was served with the old key of ids")
            } catch let error as StoreError {
                #expect(error.trouble == .storeChanged)
            }
        }
    }

    @Test func `A store opened anew makes ids of its own, and the old one stays closed`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let id = try await test.post(["1"], to: queue)[0]
            try await test.redis.command("FLUSHALL")
            #expect(try await eventually { test.store.isCurrent ? nil : true } == true)
            let next = try await Store.open(on: test.pool, shards: 16, logger: quietLogger())
            #expect(next.isCurrent && !test.store.isCurrent)
            #expect(!next.messages.isIssued(id, in: queue))
            #expect(try await next.probeWritable())
            await #expect(throws: StoreError.self) { try await test.store.probeWritable() }
        }
    }

    @Test func `Of processes with different shards only one opens an emptied Redis`() async throws {
        try await withRedis { redis in
            try await withRedisClient(to: redis.endpoint) { first in
                try await withRedisClient(to: redis.endpoint) { second in
                    for _ in 0..<10 {
                        async let sixteen = self.opens(first, shards: 16)
                        async let emptied = redis.command("FLUSHALL")
                        async let eight = self.opens(second, shards: 8)
                        let opened = await [sixteen, eight].compactMap { $0 }
                        _ = try await emptied
                        // A store that was opened before the Redis was emptied is closed.
                        let current = try await eventually { () -> [Store]? in
                            let held = opened.filter(\.isCurrent)
                            guard held.count <= 1 else { return nil }
                            for store in held
                            where try await redis.command("EXISTS", "herald:{control}:identity").int == 0 {
                                _ = store
                                return nil
                            }
                            return held
                        }
                        #expect(current != nil)
                    }
                }
            }
        }
    }

    private func opens(_ pool: RedisClient, shards: Int) async -> Store? {
        // Refused for another number of shards: the other one was first.
        try? await Store.open(on: pool, shards: shards, logger: quietLogger())
    }

    @Test func `A node of a cluster is refused in words`() async throws {
        try await withRedis(tcp: true, arguments: ["--cluster-enabled", "yes"]) { redis in
            try await withRedisClient(to: redis.endpoint) { pool in
                await #expect(throws: StoreOpeningError.isCluster) {
                    _ = try await Store.open(on: pool, shards: 16, logger: quietLogger())
                }
            }
        }
        #expect(StoreOpeningError.isCluster.description.contains("redis+cluster://"))
    }

    @Test func `How far positions are ahead of the clock is reported`() async throws {
        try await withTestStore(shards: 2) { test in
            #expect(try await test.store.positionsAhead() == .zero)
            try await test.post(["1"], to: try address("p", "q"))
            #expect(try await test.store.positionsAhead() == .zero)
            test.time.pass(seconds: -90)
            #expect(try await test.store.positionsAhead() == .seconds(90))
            test.time.pass(seconds: 91)
            #expect(try await test.store.positionsAhead() == .zero)
        }
    }

    @Test func `Many changes of one queue or topic at the same time all succeed`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            _ = try await test.store.queues.create(
                queue, metadata: Array("0".utf8), attributes: QueueAttributes())
            let topic = TopicAddress(project: queue.project, name: try TopicName("t"))
            _ = try await test.store.topics.create(topic, metadata: Array("0".utf8))
            func next(_ stored: [UInt8]) -> [UInt8] {
                Array(String((Int(String(decoding: stored, as: UTF8.self)) ?? 0) + 1).utf8)
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<64 {
                    group.addTask {
                        for _ in 0..<5 {
                            _ = try await test.store.queues.update(queue) { (next($0), QueueAttributes()) }
                            _ = try await test.store.topics.update(topic) { next($0) }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await test.store.queues.metadata(of: queue) == Array("320".utf8))
            #expect(try await test.store.topics.metadata(of: topic) == Array("320".utf8))
            #expect(try await test.store.queues.update(try address("p", "none")) { ($0, QueueAttributes()) } == nil)
        }
    }
}
