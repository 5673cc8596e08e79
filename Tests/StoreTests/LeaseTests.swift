import Domain
import Redis
import Store
import TestKit
import Testing

/// A lease belongs to one holder, until it is settled, renewed or lapses.
struct LeaseTests {
    @Test func `A lease ends when it lapses, and the next attempt is another's`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue)
            try await test.post(["1"], to: queue)
            let late = try await test.take().leases
            #expect(try await test.store.deliveries.status(of: [0]).first?.oldestLease == late.first?.leasedUntil)
            test.time.pass(milliseconds: 14_999)
            #expect(try await test.store.deliveries.reap(0).lapsed == 0)
            test.time.pass(milliseconds: 1)
            #expect(try await test.store.deliveries.reap(0).lapsed == 1)
            #expect(try await test.store.deliveries.reap(0).lapsed == 0)
            let next = try await test.lease()
            #expect(next.map(\.attempt) == [2])
            // The late one's word no longer counts, whatever it is.
            for ending: Settlement.Ending in [.delivered, .retry(after: .zero), .handedBack, .dropped] {
                #expect(try await test.settle(late, ending) == [false])
            }
            #expect(try await test.store.deliveries.renew(0, late.map(\.token), lease: .seconds(15)) == [nil])
            #expect(try await test.settle(next, .delivered) == [true])
            #expect(try await test.settle(next, .delivered) == [false])
        }
    }

    @Test func `A renewed lease holds on, and both of its tokens prove an outcome`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue)
            try await test.post(["1"], to: queue)
            let lease = try #require(try await test.take().leases.first)
            test.time.pass(seconds: 10)
            let renewed = try #require(
                try await test.store.deliveries.renew(0, [lease.token], lease: .seconds(15)).first ?? nil)
            #expect(renewed.leasedUntil == test.time.now.adding(seconds: 15))
            test.time.pass(seconds: 10)
            #expect(try await test.store.deliveries.reap(0).lapsed == 0)
            #expect(try await test.settle([lease], .handedBack) == [false], "only the newest token hands back")
            #expect(try await test.settle([lease], .delivered) == [true])
        }
    }

    @Test func `Many leases are a skip list in Redis, and leave nothing behind`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(many: 20, to: queue)
            func encoding() async throws -> String? {
                try await test.redis.command("OBJECT", "ENCODING", test.key("leases")).text
            }
            try await test.post(["1"], to: queue)
            let few = try await test.take(capacity: 10).leases
            #expect(few.count == 10)
            #expect(try await encoding() != "skiplist")
            #expect(try await test.settle(few, .delivered).allSatisfy { $0 })
            let others = try await test.lease()
            #expect(try await test.settle(others, .delivered).allSatisfy { $0 })
            try await test.post(["2"], to: queue)
            let many = try await test.take().leases
            #expect(many.count == 20)
            #expect(try await encoding() == "skiplist")
            #expect(try await test.settle(many, .delivered).allSatisfy { $0 })
            #expect(try await test.shardKeys().filter { $0 == "leases" } == [])
        }
    }

    @Test func `A lease that was given up renews no later one of the same attempt`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            try await test.subscribe(to: queue)
            try await test.post(["1"], to: queue)
            let first = try await test.take().leases
            #expect(try await test.settle(first, .handedBack) == [true])
            let second = try await deliveries.lease(
                0, allowance: LeaseAllowance(capacity: 10), lease: .seconds(5)
            ).leases
            #expect(second.map(\.attempt) == [1])
            #expect(try await deliveries.renew(0, first.map(\.token), lease: .seconds(15)) == [nil])
            #expect(try await deliveries.renew(0, second.map(\.token), lease: .seconds(15)) != [nil])
        }
    }

    @Test func `A delivery handed back is due at once, as the same attempt`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue)
            try await test.post(["1"], to: queue)
            let first = try await test.take().leases
            #expect(try await test.settle(first, .handedBack) == [true])
            test.time.pass(milliseconds: 5)
            let second = try await test.lease()
            #expect(second.map(\.attempt) == [1])
            #expect(
                try await test.settle(first, .handedBack) == [false], "said twice, it takes nothing from the second")
            #expect(try await test.settle(second, .delivered) == [true])
        }
    }

    @Test func `One settlement said twice in one breath counts once`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe("http://a", to: queue)
            try await test.subscribe("http://b", to: queue)
            try await test.post(["1"], to: queue)
            let leases = try await test.take().leases
            #expect(try await test.settle([leases[0], leases[0]], .delivered) == [true, false])
            #expect(try await test.settle([leases[1]], .retry(after: .zero)) == [true])
            #expect(
                try await test.lease().map { String(decoding: $0.body, as: UTF8.self) } == ["1"],
                "the payload is still there")
        }
    }

    @Test func `A delivery without a payload ends where it would be leased, and leaves no turn`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue)
            try await test.post(["1"], to: queue)
            #expect(try await test.take().leases.count == 1)
            test.time.pass(seconds: 20)
            #expect(try await test.store.deliveries.reap(0).lapsed == 1)
            #expect(try await test.shardKeys().contains("turns"), "it is a suspect")
            try await test.redis.command("DEL", test.key("payloads"))
            test.time.pass(seconds: 60)
            #expect(try await test.lease().isEmpty)
            let left = try await test.shardKeys().filter { ["turns", "leases", "waiting-counts"].contains($0) }
            #expect(left.isEmpty, "\(left)")
        }
    }
}
