import Domain
import Redis
import Store
import TestKit
import Testing

/// A lease belongs to one holder, until it is settled, renewed or lapses.
struct LeaseTests {
    @Test func `A lease ends when it lapses, and the next attempt is another's`() async throws {
        try await withHouse(shards: 1) { house in
            let queue = try address("p", "q")
            try await house.subscribe(to: queue)
            try await house.post(["1"], to: queue)
            let late = try await house.take().leases
            #expect(try await house.store.deliveries.look(at: [0]).first?.oldestLease == late.first?.leasedUntil)
            house.time.pass(milliseconds: 14_999)
            #expect(try await house.store.deliveries.reap(0).lapsed == 0)
            house.time.pass(milliseconds: 1)
            #expect(try await house.store.deliveries.reap(0).lapsed == 1)
            #expect(try await house.store.deliveries.reap(0).lapsed == 0)
            let next = try await house.lease()
            #expect(next.map(\.attempt) == [2])
            // The late one's word no longer counts, whatever it is.
            for ending: Settlement.Ending in [.delivered, .retry(after: .zero), .handedBack, .dropped] {
                #expect(try await house.settle(late, ending) == [false])
            }
            #expect(try await house.store.deliveries.renew(0, late.map(\.token), lease: .seconds(15)) == [nil])
            #expect(try await house.settle(next, .delivered) == [true])
            #expect(try await house.settle(next, .delivered) == [false])
        }
    }

    @Test func `A renewed lease holds on, and both of its tokens prove an outcome`() async throws {
        try await withHouse(shards: 1) { house in
            let queue = try address("p", "q")
            try await house.subscribe(to: queue)
            try await house.post(["1"], to: queue)
            let lease = try #require(try await house.take().leases.first)
            house.time.pass(seconds: 10)
            let renewed = try #require(
                try await house.store.deliveries.renew(0, [lease.token], lease: .seconds(15)).first ?? nil)
            #expect(renewed.leasedUntil == house.time.now.adding(seconds: 15))
            house.time.pass(seconds: 10)
            #expect(try await house.store.deliveries.reap(0).lapsed == 0)
            #expect(try await house.settle([lease], .handedBack) == [false], "only the newest token hands back")
            #expect(try await house.settle([lease], .delivered) == [true])
        }
    }

    @Test func `Many leases are a skip list in Redis, and leave nothing behind`() async throws {
        try await withHouse(shards: 1) { house in
            let queue = try address("p", "q")
            try await house.subscribe(many: 20, to: queue)
            func encoding() async throws -> String? {
                try await house.redis.command("OBJECT", "ENCODING", house.key("leases")).text
            }
            try await house.post(["1"], to: queue)
            let few = try await house.take(capacity: 10).leases
            #expect(few.count == 10)
            #expect(try await encoding() != "skiplist")
            #expect(try await house.settle(few, .delivered).allSatisfy { $0 })
            let others = try await house.lease()
            #expect(try await house.settle(others, .delivered).allSatisfy { $0 })
            try await house.post(["2"], to: queue)
            let many = try await house.take().leases
            #expect(many.count == 20)
            #expect(try await encoding() == "skiplist")
            #expect(try await house.settle(many, .delivered).allSatisfy { $0 })
            #expect(try await house.shardKeys().filter { $0 == "leases" } == [])
        }
    }

    @Test func `A lease that was given up renews no later one of the same attempt`() async throws {
        try await withHouse(shards: 1) { house in
            let (queue, deliveries) = (try address("p", "q"), house.store.deliveries)
            try await house.subscribe(to: queue)
            try await house.post(["1"], to: queue)
            let first = try await house.take().leases
            #expect(try await house.settle(first, .handedBack) == [true])
            let second = try await deliveries.lease(
                0, allowance: LeaseAllowance(capacity: 10), lease: .seconds(5)
            ).leases
            #expect(second.map(\.attempt) == [1])
            #expect(try await deliveries.renew(0, first.map(\.token), lease: .seconds(15)) == [nil])
            #expect(try await deliveries.renew(0, second.map(\.token), lease: .seconds(15)) != [nil])
        }
    }

    @Test func `A delivery handed back is due at once, as the same attempt`() async throws {
        try await withHouse(shards: 1) { house in
            let queue = try address("p", "q")
            try await house.subscribe(to: queue)
            try await house.post(["1"], to: queue)
            let first = try await house.take().leases
            #expect(try await house.settle(first, .handedBack) == [true])
            house.time.pass(milliseconds: 5)
            let second = try await house.lease()
            #expect(second.map(\.attempt) == [1])
            #expect(
                try await house.settle(first, .handedBack) == [false], "said twice, it takes nothing from the second")
            #expect(try await house.settle(second, .delivered) == [true])
        }
    }

    @Test func `One settlement said twice in one breath counts once`() async throws {
        try await withHouse(shards: 1) { house in
            let queue = try address("p", "q")
            try await house.subscribe("http://a", to: queue)
            try await house.subscribe("http://b", to: queue)
            try await house.post(["1"], to: queue)
            let leases = try await house.take().leases
            #expect(try await house.settle([leases[0], leases[0]], .delivered) == [true, false])
            #expect(try await house.settle([leases[1]], .retry(after: .zero)) == [true])
            #expect(
                try await house.lease().map { String(decoding: $0.body, as: UTF8.self) } == ["1"],
                "the payload is still there")
        }
    }
}
