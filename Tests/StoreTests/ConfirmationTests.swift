import Domain
import Redis
import Store
import TestKit
import Testing

/// Confirmations as deliveries (notifications contract, 7).
struct ConfirmationTests {
    private static let document = Array(#"{"URL-Signature": "secret"}"#.utf8)

    private func request(
        _ kind: NotificationKind = .subscriptionConfirmation, to uri: String = "http://a/", ttl: Int = 600
    ) -> ConfirmationRequest {
        ConfirmationRequest(kind: kind, subscriber: uri, ttl: ttl, document: Self.document)
    }

    @Test func `A question is leased like a delivery, with its kind and document`() async throws {
        try await withHouse(shards: 1) { house async throws in
            let queue = try address("p", "q")
            let id = try await house.subscribe(to: queue)
            for kind in [NotificationKind.subscriptionConfirmation, .unsubscribeConfirmation] {
                #expect(try await house.store.subscriptions.ask(queue, id: id, self.request(kind)) == .asked)
                let leases = try await house.lease()
                #expect(leases.map(\.kind) == [kind])
                #expect(leases.map { Array($0.body) } == [Self.document])
                #expect(leases.map(\.ttl) == [600])
                let lease = try #require(leases.first)
                #expect(try await house.settle([lease], .delivered) == [true])
            }
            #expect(try await house.lease().isEmpty)
        }
    }

    @Test func `A subscription asks the same address the same once a minute, and others are not held back by it`()
        async throws
    {
        try await withHouse(shards: 1) { house async throws in
            let queue = try address("p", "q")
            let id = try await house.subscribe(to: queue)
            let ask = house.store.subscriptions.ask
            #expect(try await ask(queue, id, self.request()) == .asked)
            house.time.pass(milliseconds: 59_999)
            #expect(try await ask(queue, id, self.request()) == .held)
            #expect(try await ask(queue, id, self.request(.unsubscribeConfirmation)) == .asked)
            #expect(try await ask(queue, id, self.request(to: "http://b/")) == .asked)
            house.time.pass(milliseconds: 1)
            #expect(try await ask(queue, id, self.request()) == .asked)
        }
    }

    @Test func `A subscription made anew asks for itself: nobody can answer for the one that ended`() async throws {
        try await withHouse(shards: 1) { house async throws in
            let queue = try address("p", "q")
            let ended = try await house.subscribe(to: queue)
            #expect(try await house.store.subscriptions.ask(queue, id: ended, self.request()) == .asked)
            try await house.store.subscriptions.delete(queue, id: ended)
            let id = try await house.subscribe(to: queue)
            #expect(id != ended)
            #expect(try await house.store.subscriptions.ask(queue, id: id, self.request()) == .asked)
            #expect(try await house.lease().map(\.subscription) == [id])
        }
    }

    @Test func `Who is not subscribed, to this queue, is asked nothing`() async throws {
        try await withHouse(shards: 1) { house async throws in
            let (queue, other) = (try address("p", "q"), try address("p", "other"))
            let id = try await house.subscribe(to: queue)
            #expect(try await house.store.subscriptions.ask(other, id: id, self.request()) == .absent)
            try await house.store.subscriptions.delete(queue, id: id)
            #expect(try await house.store.subscriptions.ask(queue, id: id, self.request()) == .absent)
            #expect(try await house.lease().isEmpty)
        }
    }

    @Test func `A dead letter keeps no signature`() async throws {
        try await withHouse(shards: 1) { house async throws in
            let queue = try address("p", "q")
            let id = try await house.subscribe(to: queue)
            _ = try await house.store.subscriptions.ask(queue, id: id, self.request())
            let lease = try #require(try await house.lease().first)
            _ = try await house.settle([lease], .deadLetter(.refused, summary: "refused 404"))
            let letters = try await house.store.deliveries.deadLetters(of: queue, limit: 10).letters
            #expect(letters.map(\.kind) == [.subscriptionConfirmation])
            let kept = try await house.store.deliveries.deadLetter(
                of: queue, subscription: id, position: lease.position)
            #expect(kept?.content.body.count == 0)
        }
    }
}
