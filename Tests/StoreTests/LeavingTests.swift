import Domain
import Redis
import Store
import TestKit
import Testing

/// What leaving by a link writes down.
struct LeavingTests {
    private static let subscriber = "http://127.0.0.1:9/"

    private func read(_ test: TestStore, _ id: SubscriptionID) async throws -> Subscription {
        try #require(try await test.store.subscriptions.get(try address("p", "q"), id: id))
    }

    @Test func `A subscriber that left is not confirmed, and only the link for a return confirms it again`()
        async throws
    {
        try await withTestStore(shards: 1) { test async throws in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue)
            let subscriptions = test.store.subscriptions
            let asked = ConfirmationRequest(
                kind: .subscriptionConfirmation, subscriber: Self.subscriber, at: test.time.now, ttl: 600,
                linkExpiry: 5_000, document: [])
            #expect(try await subscriptions.requestConfirmation(queue, id: id, asked) == .requested)
            #expect(try await self.read(test, id).isAsked)
            #expect(try await subscriptions.confirm(queue, id: id, true, linkExpiry: 5_000, address: Self.subscriber))

            let back = try await subscriptions.leave(queue, id: id, address: Self.subscriber, returnExpiry: 100)
            #expect(back == 5_001, "it ends after every link that counts no more")
            let left = try await self.read(test, id)
            #expect(!left.confirmed && left.isAsked && left.barredLinkExpiry == 5_000)
            #expect(try await !subscriptions.confirm(queue, id: id, true, linkExpiry: 5_000, address: Self.subscriber))

            // Again: nothing changes, and the link for a return goes on counting.
            #expect(try await subscriptions.leave(queue, id: id, address: Self.subscriber, returnExpiry: 100) == 5_001)
            #expect(try await self.read(test, id).barredLinkExpiry == 5_000)
            #expect(try await subscriptions.confirm(queue, id: id, true, linkExpiry: 5_001, address: Self.subscriber))
            #expect(try await self.read(test, id).confirmed)

            #expect(
                try await subscriptions.leave(queue, id: id, address: Self.subscriber, returnExpiry: 9_000) == 9_000)
            #expect(try await !subscriptions.confirm(queue, id: id, true, linkExpiry: 5_001, address: Self.subscriber))
        }
    }

    @Test func `A link says nothing about another address, queue or subscription`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue)
            let subscriptions = test.store.subscriptions
            #expect(try await subscriptions.confirm(queue, id: id, true))
            let before = try await self.read(test, id)
            let other = try #require(SubscriptionID("0123456789abcdefghjkmnpqrst"))
            #expect(try await subscriptions.leave(queue, id: id, address: "http://b/", returnExpiry: 9) == nil)
            #expect(try await subscriptions.leave(queue, id: other, address: Self.subscriber, returnExpiry: 9) == nil)
            #expect(
                try await subscriptions.leave(try address("p", "r"), id: id, address: Self.subscriber, returnExpiry: 9)
                    == nil)
            #expect(try await !subscriptions.confirm(queue, id: id, false, linkExpiry: 9, address: "http://b/"))
            #expect(try await self.read(test, id) == before)
        }
    }

    @Test func `Leaving works while Redis has no memory left`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue)
            #expect(try await test.store.subscriptions.confirm(queue, id: id, true))
            try await test.redis.command("CONFIG", "SET", "maxmemory", "1")
            let back = try await test.store.subscriptions.leave(
                queue, id: id, address: Self.subscriber, returnExpiry: 9_000)
            #expect(back == 9_000)
            #expect(try await !self.read(test, id).confirmed)
        }
    }
}
