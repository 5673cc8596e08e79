import Domain
import Redis
import Store
import TestKit
import Testing

/// Records with a bit, kind or field that no format has: they are refused, not read as if it were not there.
struct UnknownBitTests {
    @Test func `A record of two kinds is no message`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue)
            let id = try #require(try await test.post(["1"], to: queue).first)
            _ = try await test.take(capacity: 0)
            // ttl, flags of a confirmation and a test, mark, body; all of it ASCII.
            let record = "\0\0\u{0E}\u{10}" + "\u{50}" + "12345678" + "1"
            try await test.redis.command("HSET", test.key("payloads"), "\(id.position.value)", record)
            let leased = try await test.store.deliveries.lease(
                0, allowance: LeaseAllowance(capacity: 10), lease: .seconds(15))
            #expect(leased.leases.isEmpty && leased.unreadable.count == 1)
        }
    }

    @Test(arguments: [(15, "2"), (16, "2"), (17, "4"), (18, "x"), (31, "x"), (37, "x")])
    func `A header with another digit is no subscription`(offset: Int, digit: String) async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue)
            let headers = test.key("subscription-headers")
            let header = try #require(try await test.redis.command("HGET", headers, id.text).text)
            let changed = String(header.prefix(offset)) + digit + String(header.dropFirst(offset + 1))
            try await test.redis.command("HSET", headers, id.text, changed)
            await #expect(throws: StoreError.corrupt("the header of a subscription")) {
                _ = try await test.store.subscriptions.get(queue, id: id)
            }
        }
    }

    @Test(arguments: [
        "1 8 z5", "1 8 p12 z5", "1 8 p", "1 8 pnot-a-number", "1 8 f3  s4", "1 8 f3!", "what no version wrote",
    ])
    func `A pacing with an unknown field starts nothing, and stays as it is`(pacing: String) async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let ids = [
                try await test.subscribe("http://a", to: queue), try await test.subscribe("http://b", to: queue),
            ]
            try await test.post(["1"], to: queue)
            let leased = try await test.take(capacity: 10).leases
            #expect(leased.count == 2)
            try await test.redis.command("HSET", test.key("pacing"), ids[0].text, pacing)
            try await test.post(["2"], to: queue)
            #expect(try await test.take(capacity: 10).leases.map(\.subscription) == [ids[1]], "and no other is stopped")
            #expect(
                try await deliveries.lease(0, allowance: LeaseAllowance(capacity: 10), lease: .seconds(15)).leases
                    .isEmpty)
            let unreadable = StoreError.corrupt("the pacing of a subscription")
            await #expect(throws: unreadable) { _ = try await deliveries.pause(queue, subscription: ids[0]) }
            await #expect(throws: unreadable) { _ = try await deliveries.resume(queue, subscription: ids[0]) }
            await #expect(throws: unreadable) { _ = try await deliveries.health(of: queue, subscription: ids[0]) }
            let second = try await deliveries.statuses(
                of: try #require(leased.first?.position.advanced(by: 1)), in: queue, after: nil, limit: 1)
            #expect(second.map(\.stage) == [.waiting(.unreadable, until: nil)] || second.map(\.stage) == [.none])
            let own = try #require(leased.first { $0.subscription == ids[0] })
            _ = try await deliveries.settle(0, [Settlement(own, .delivered)])
            // What is understood goes on: the attempt that ended is no longer out.
            let kept = try await test.redis.command("HGET", test.key("pacing"), ids[0].text).text
            #expect(kept == (pacing.hasPrefix("1 8") ? "0 9" + pacing.dropFirst(3) : pacing))
        }
    }

    @Test func `A pool or flavor with an unknown capability is refused`() async throws {
        try await withTestStore { test in
            try await test.redis.command("HSET", "herald:{control}:flavors", "1:p:gold", "64")
            await #expect(throws: StoreError.self) { _ = try await test.store.pools.snapshot() }
            try await test.redis.command("HSET", "herald:{control}:flavors", "1:p:gold", "32")
            _ = try await test.store.pools.snapshot()
            try await test.redis.command("HSET", "herald:{control}:pools", "a", "1:12:640:8:redis://02:{}")
            await #expect(throws: StoreError.self) { _ = try await test.store.pools.snapshot() }
        }
    }
}
