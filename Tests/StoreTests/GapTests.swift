import Domain
import NIOCore
import Redis
import Store
import TestKit
import Testing

/// Operations that take two steps, ended between them.
///
/// What is left is something the contract allows, and the next request heals it. `docs/redis.md` lists all operations with
/// their steps.
struct GapTests {
    /// Lets every command on other keys fail, as it would for a process that died before it.
    private func only(_ pattern: String, in house: TestHouse, _ body: () async throws -> Void) async throws {
        try await house.redis.command("ACL", "SETUSER", "default", "resetkeys", "~\(pattern)")
        await #expect(throws: StoreError.self) { try await body() }
        try await house.redis.command("ACL", "SETUSER", "default", "allkeys")
    }

    private static let register = "herald:{control}:*"
    private static let shards = "herald:{s*"

    private func names(_ house: TestHouse, _ queue: QueueAddress) async throws -> [String] {
        try await house.store.queues.list(of: queue.project, after: nil, limit: 10).map(\.name.text)
    }

    @Test func `A queue that was entered and not made is in no list, and is made by whoever asks next`() async throws {
        try await withHouse { house in
            let queue = try address("p", "q")
            let makers: [() async throws -> Void] = [
                {
                    _ = try await house.store.queues.create(
                        queue, metadata: Array("{}".utf8), attributes: QueueAttributes())
                }, { try await house.post(["1"], to: queue) }, { try await house.subscribe(to: queue) },
            ]
            for make in makers {
                // Ended before the first step, and between both.
                try await self.only("nothing", in: house, make)
                try await self.only(Self.register, in: house, make)
                #expect(try await self.names(house, queue).isEmpty)
                #expect(try await house.store.queues.metadata(of: queue) == nil)
                #expect(try await house.bodies(queue).isEmpty)
                try await make()
                #expect(try await self.names(house, queue) == ["q"])
                try await house.store.subscriptions.purge(queue)
                try await house.store.queues.delete(queue)
                #expect(try await self.names(house, queue).isEmpty)
            }
        }
    }

    @Test func `A queue that was deleted and not struck out is in no list, and can be made again`() async throws {
        try await withHouse { house in
            let queue = try address("p", "q")
            try await house.post(["1"], to: queue)
            try await self.only(Self.shards, in: house) { try await house.store.queues.delete(queue) }
            #expect(try await self.names(house, queue).isEmpty)
            #expect(try await house.bodies(queue).isEmpty)
            try await house.post(["2"], to: queue)
            #expect(try await self.names(house, queue) == ["q"])
            #expect(try await house.bodies(queue) == ["2"])
        }
    }

    @Test func `A subscriber that was subscribed and not asked is asked when the wish comes again`() async throws {
        try await withHouse(shards: 1) { house in
            let queue = try address("p", "q")
            let id = try await house.subscribe("http://a/", to: queue)
            // The process died here. Its caller, unanswered, says it again.
            #expect(try await house.subscribe("http://a/", to: queue) == id)
            let request = ConfirmationRequest(
                kind: .subscriptionConfirmation, subscriber: "http://a/", at: Timestamp(milliseconds: 0), ttl: 60,
                linkExpiry: 4_000_000_000,
                document: Array("{}".utf8))
            #expect(try await house.store.subscriptions.ask(queue, id: id, request) == .asked)
            #expect(try await house.lease().count == 1)
        }
    }
}
