import Domain
import NIOCore
import Store
import TestKit
import Testing

/// What claims promise, one case at a time.
struct ClaimTests {
    private func claim(
        _ test: TestStore, _ queue: QueueAddress, limit: Int = 10, ttl: Int = 60, grace: Int = 60
    ) async throws -> NewClaim? {
        try await test.store.claims.create(queue, limit: limit, ttl: ttl, grace: grace)
    }

    private func bodies(_ messages: [StoredMessage]?) -> [String] {
        (messages ?? []).map { String(decoding: $0.body, as: UTF8.self) }
    }

    @Test func `C-9: Five claims of ten take fifty different messages of fifty-one`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            try await test.post((0..<51).map { "\($0)" }, to: queue)
            var seen: [String] = []
            for _ in 0..<5 { seen += self.bodies(try await self.claim(test, queue)?.messages) }
            #expect(seen == (0..<50).map { "\($0)" })
        }
    }

    @Test func `C-13: A claim takes a released older message and leaves alone what another holds`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            try await test.post(["a", "b", "c", "d"], to: queue)
            let first = try #require(try await self.claim(test, queue, limit: 1))
            _ = try await self.claim(test, queue, limit: 2)
            try await test.store.claims.release(queue, id: first.id)
            #expect(self.bodies(try await self.claim(test, queue)?.messages) == ["a", "d"])
        }
    }

    @Test func `C-23: A claim that has ended is neither found nor updated, and its id is not shown`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let ids = try await test.post(["a"], to: queue)
            let claim = try #require(try await self.claim(test, queue))
            #expect(try await test.store.messages.get(queue, id: ids[0])?.claim == claim.id)
            test.time.pass(seconds: 60)
            #expect(try await test.store.claims.get(queue, id: claim.id) == nil)
            #expect(try await !test.store.claims.update(queue, id: claim.id, ttl: 60, grace: 60))
            #expect(try await test.store.messages.get(queue, id: ids[0])?.claim == nil)
            #expect(try await test.store.queues.stats(of: queue).claimed == 0)
            #expect(try await test.store.messages.delete(queue, id: ids[0], claim: claim.id.text) == .notClaimed)
        }
    }

    @Test func `C-25: The claims of a deleted queue are gone, also when it is made again`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            try await test.post(["a"], to: queue)
            let claim = try #require(try await self.claim(test, queue))
            try await test.store.queues.delete(queue)
            try await test.post(["b"], to: queue)
            #expect(try await test.store.claims.get(queue, id: claim.id) == nil)
            #expect(self.bodies(try await self.claim(test, queue)?.messages) == ["b"])
        }
    }

    @Test(arguments: [(777, 0, 777), (777, 23, 800), (121, 22, 143), (60, 30, 120), (120, 30, 120)])
    func `ST-1: A message that would end before its claim is prolonged by ttl and grace`(
        ttl: Int, grace: Int, shown: Int
    ) async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let ids = try await test.post(["a"], to: queue, ttl: 120)
            let claim = try #require(try await self.claim(test, queue, ttl: ttl, grace: grace))
            #expect(claim.messages.map(\.ttl) == [shown])
            test.time.pass(seconds: shown - 1)
            #expect(try await test.store.messages.get(queue, id: ids[0])?.ttl == shown)
            test.time.pass(seconds: 1)
            #expect(try await test.store.messages.get(queue, id: ids[0]) == nil)
        }
    }

    @Test func `ST-3: A prolonged message outlives its claim by the grace, and no longer`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let ids = try await test.post(["a"], to: queue, ttl: 120)
            _ = try await self.claim(test, queue, ttl: 777, grace: 60)
            for (seconds, isThere) in [(700, true), (107, true), (30, false)] {
                test.time.pass(seconds: seconds)
                try await test.sweepAll(shard: Shards(count: 16).shard(of: queue))
                #expect((try await test.store.messages.get(queue, id: ids[0]) != nil) == isThere)
            }
        }
    }

    @Test func `ST-14: A delayed message does not hold up those around it`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            try await test.post(["a"], to: queue)
            try await test.post(["b"], to: queue, delay: 30)
            try await test.post(["c"], to: queue)
            #expect(self.bodies(try await self.claim(test, queue)?.messages) == ["a", "c"])
            test.time.pass(seconds: 30)
            #expect(self.bodies(try await self.claim(test, queue)?.messages) == ["b"])
        }
    }

    @Test func `ST-20: The third claim moves a message that may be claimed twice, and its queue is made for it`()
        async throws
    {
        try await withTestStore { test in
            let (queue, dead) = (try address("p", "q"), try address("p", "dead"))
            _ = try await test.store.queues.create(
                queue, metadata: Array("{}".utf8),
                attributes: QueueAttributes(claimCountMax: 2, deadLetterQueue: dead.name, deadLetterTTL: 9999))
            let posted = try await test.post(["a", "b"], to: queue)
            for _ in 0..<2 {
                #expect(try await self.claim(test, queue)?.messages.count == 2)
                test.time.pass(seconds: 60)
            }
            try await test.post(["c"], to: queue)
            #expect(self.bodies(try await self.claim(test, queue, limit: 1)?.messages) == ["c"])
            #expect(try await self.claim(test, queue) == nil)
            let moved = try await test.store.messages.list(
                dead, after: nil, limit: 10, hiding: nil, includeDelayed: false, includeClaimed: false)
            #expect(moved.map(\.id) == posted && moved.map(\.ttl) == [9999, 9999] && moved.map(\.age) == [120, 120])
            #expect(moved.map(\.claimCount) == [0, 0])
            let names = try await test.listQueues(of: dead.project, after: nil, limit: 9).map(\.name.text)
            #expect(names == ["dead", "q"])
            // The id goes with it: as a marker, for reading and for deleting, in its new queue only.
            #expect(try await test.bodies(dead, after: posted[0]) == ["b"])
            #expect(try await test.store.messages.get(queue, id: posted[0]) == nil)
            #expect(try await test.store.messages.delete(dead, id: posted[0], claim: nil) == .deleted)
            #expect(try await test.bodies(dead, after: posted[0]) == ["b"])
            #expect(try await test.bodies(queue, after: posted[0]) == [])
        }
    }

    @Test func `ST-22: Without both attributes nothing is counted and nothing moves`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            _ = try await test.store.queues.create(
                queue, metadata: Array("{}".utf8),
                attributes: QueueAttributes(deadLetterQueue: try QueueName("dead")))
            try await test.post(["a"], to: queue)
            for _ in 0..<5 {
                #expect(try await self.claim(test, queue)?.messages.map(\.claimCount) == [0])
                test.time.pass(seconds: 60)
            }
        }
    }

    @Test func `Q-85: Counts follow claims, deletions and releases exactly`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let ids = try await test.post((0..<15).map { "\($0)" }, to: queue)
            let claim = try #require(try await self.claim(test, queue))
            func expect(_ total: Int, _ claimed: Int, _ free: Int) async throws {
                let stats = try await test.store.queues.stats(of: queue)
                #expect([stats.total, stats.claimed, stats.free] == [total, claimed, free])
            }
            #expect(try await test.store.messages.delete(queue, id: ids[0], claim: claim.id.text) == .deleted)
            try await expect(14, 9, 5)
            try await test.store.messages.delete(queue, ids: [ids[1], ids[2]])
            try await expect(12, 7, 5)
            try await test.store.claims.release(queue, id: claim.id)
            try await expect(12, 0, 12)
        }
    }

    @Test func `Q-94: A purge takes claimed and delayed messages and keeps the queue`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            try await test.post((0..<30).map { "\($0)" }, to: queue)
            try await test.post(["late"], to: queue, delay: 60)
            let claim = try #require(try await self.claim(test, queue))
            try await test.store.messages.purge(queue)
            #expect(try await test.store.queues.stats(of: queue).total == 0)
            #expect(try await test.store.claims.get(queue, id: claim.id) == nil)
            #expect(try await test.store.queues.metadata(of: queue) != nil)
            try await test.post(["new"], to: queue)
            #expect(self.bodies(try await self.claim(test, queue)?.messages) == ["new"])
        }
    }
}
