import Domain
import Redis
import Store
import TestKit
import Testing

/// Positions keep the order when the clock once ran ahead; lives and delays are the clock's.
struct ClockTests {
    private static let hour = 3_600_000

    /// A queue whose shard handed out a position an hour ahead of the clock as it is now.
    private func withPositionsAhead(_ body: (TestStore, QueueAddress) async throws -> Void) async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            test.time.pass(milliseconds: Self.hour)
            let ids = try await test.post(["early"], to: queue, ttl: 60)
            #expect(try await test.store.messages.delete(queue, id: ids[0], claim: nil) == .deleted)
            test.time.pass(milliseconds: -Self.hour)
            try await body(test, queue)
        }
    }

    @Test func `Positions ahead of the clock prolong no message and no delay`() async throws {
        try await self.withPositionsAhead { test, queue in
            let delayed = try await test.post(["delayed"], to: queue, ttl: 3600, delay: 5)
            let short = try await test.post(["short"], to: queue, ttl: 60)
            #expect(try await test.bodies(queue) == ["short"])
            #expect(try await test.store.messages.get(queue, id: short[0])?.age == 0)

            test.time.pass(seconds: 7)
            #expect(try await test.bodies(queue) == ["delayed", "short"])
            let stored = try #require(try await test.store.messages.get(queue, id: delayed[0]))
            #expect(stored.age == 7 && stored.ttl == 3600 && stored.delay == 5 && stored.id == delayed[0])
            let stats = try await test.store.queues.stats(of: queue)
            #expect(stats.total == 2 && stats.oldest?.createdAt == test.time.now.adding(seconds: -7))
            #expect(stats.oldest?.id == delayed[0] && stats.newest?.id == short[0] && stats.newest?.age == 7)

            test.time.pass(seconds: 54)
            #expect(try await test.bodies(queue) == ["delayed"])
            #expect(try await test.store.queues.stats(of: queue).total == 1)
            try await test.sweepAll()
            #expect(
                try await test.redis.command("XLEN", "herald:{\(Shards(count: 1).tags[0])}:queue:1:p:q:log").int == 1)
        }
    }

    @Test func `Claims, pops and dead letters of messages posted then keep their times`() async throws {
        try await self.withPositionsAhead { test, queue in
            let target = try address("p", "dead")
            _ = try await test.store.queues.create(
                target, metadata: Array("{}".utf8), attributes: QueueAttributes())
            _ = try await test.store.queues.update(queue) { _ in
                (Array("{}".utf8), QueueAttributes(claimCountMax: 1, deadLetterQueue: target.name))
            }
            let ids = try await test.post(["one"], to: queue, ttl: 300)
            try await test.post(["two"], to: queue, ttl: 600)
            test.time.pass(seconds: 10)
            let claim = try await test.store.claims.create(queue, limit: 1, ttl: 60, grace: 60)
            #expect(claim?.messages.map(\.age) == [10])
            // The claim lapses; the next one gives the message up to the other queue, with its time.
            test.time.pass(seconds: 61)
            _ = try await test.store.claims.create(queue, limit: 1, ttl: 60, grace: 60)
            let moved = try #require(try await test.store.messages.get(target, id: ids[0]))
            #expect(moved.age == 71 && moved.id == ids[0])
            #expect(
                try await test.store.messages.list(
                    queue, after: nil, limit: 10, hiding: nil, includeDelayed: false, includeClaimed: true
                ).map(\.age) == [71])
            test.time.pass(seconds: 600)
            #expect(try await test.store.messages.pop(queue, limit: 10).isEmpty)
            #expect(try await test.store.messages.get(target, id: ids[0]) == nil)
        }
    }

    @Test func `A notification of a message posted then ends with the message`() async throws {
        try await self.withPositionsAhead { test, queue in
            try await test.subscribe(to: queue)
            try await test.post(["one"], to: queue, ttl: 60)
            let lease = try #require(try await test.take().leases.first)
            #expect(lease.expiresAt == test.time.now.adding(seconds: 60))
        }
    }

    @Test(arguments: ["limit", "breaker", "host"])
    func `What held a subscription back while the clock was ahead holds no longer than it may`(
        hold: String
    ) async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let pace = Pace(maxPerSecond: hold == "limit" ? 40 : nil)
            try await test.subscribe(to: queue, ttl: 10_000_000, pace: pace)
            func attempt(_ count: Int) async throws -> [Lease] {
                try await test.post((0..<count).map { "\($0)" }, to: queue, ttl: 1_000_000)
                return try await test.take().leases
            }
            test.time.pass(seconds: 86_400)
            switch hold {
            case "limit": _ = try await test.settle(try await attempt(2), .delivered)
            case "breaker":
                for _ in 0..<20 {
                    _ = try await test.settle(try await attempt(1), .deadLetter(.exhausted, summary: ""))
                }
                #expect(try await attempt(1).isEmpty)
            default: _ = try await test.settle(try await attempt(1), .parked(.seconds(5)))
            }
            test.time.pass(seconds: -86_400)
            #expect(try await attempt(1).count == 1)
        }
    }

    @Test func `Order is kept across the jump`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            test.time.pass(milliseconds: Self.hour)
            try await test.post(["1", "2"], to: queue, ttl: 20_000)
            test.time.pass(milliseconds: -Self.hour)
            try await test.post(["3"], to: queue, ttl: 20_000)
            test.time.pass(milliseconds: 2 * Self.hour)
            try await test.post(["4"], to: queue, ttl: 20_000)
            #expect(try await test.bodies(queue) == ["1", "2", "3", "4"])
        }
    }
}
