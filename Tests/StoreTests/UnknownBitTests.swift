import Domain
import Redis
import Store
import TestKit
import Testing

/// Records with a bit, kind or field that no format has: they are refused, not read as if it were not there.
struct UnknownBitTests {
    @Test func `A record of two kinds is no message`() async throws {
        try await withHouse(shards: 1) { house in
            let queue = try address("p", "q")
            try await house.subscribe(to: queue)
            let id = try #require(try await house.post(["1"], to: queue).first)
            _ = try await house.take(capacity: 0)
            // ttl, flags of a confirmation and an unsubscribe confirmation, mark, body; all of it ASCII.
            let record = "\0\0\u{0E}\u{10}" + "\u{30}" + "12345678" + "1"
            try await house.redis.command("HSET", house.key("payloads"), "\(id.position.value)", record)
            let leased = try await house.store.deliveries.lease(
                0, allowance: LeaseAllowance(capacity: 10), lease: .seconds(15))
            #expect(leased.leases.isEmpty && leased.unreadable.count == 1)
        }
    }

    @Test(arguments: [(15, "2"), (16, "2"), (17, "x"), (28, "x")])
    func `A header with another digit is no subscription`(offset: Int, digit: String) async throws {
        try await withHouse(shards: 1) { house in
            let queue = try address("p", "q")
            let id = try await house.subscribe(to: queue)
            let headers = house.key("subscription-headers")
            let header = try #require(try await house.redis.command("HGET", headers, id.text).text)
            let changed = String(header.prefix(offset)) + digit + String(header.dropFirst(offset + 1))
            try await house.redis.command("HSET", headers, id.text, changed)
            await #expect(throws: StoreError.corrupt("the header of a subscription")) {
                _ = try await house.store.subscriptions.get(queue, id: id)
            }
        }
    }

    @Test func `A pool or flavor with an unknown capability is refused`() async throws {
        try await withHouse { house in
            try await house.redis.command("HSET", "herald:{control}:flavors", "1:p:gold", "64")
            await #expect(throws: StoreError.self) { _ = try await house.store.pools.snapshot() }
            try await house.redis.command("HSET", "herald:{control}:flavors", "1:p:gold", "32")
            _ = try await house.store.pools.snapshot()
            try await house.redis.command("HSET", "herald:{control}:pools", "a", "1:12:640:8:redis://02:{}")
            await #expect(throws: StoreError.self) { _ = try await house.store.pools.snapshot() }
        }
    }
}
