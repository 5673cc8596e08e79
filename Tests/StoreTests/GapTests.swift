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
    private func only(_ pattern: String, in test: TestStore, _ body: () async throws -> Void) async throws {
        try await test.redis.command("ACL", "SETUSER", "default", "resetkeys", "~\(pattern)")
        await #expect(throws: StoreError.self) { try await body() }
        try await test.redis.command("ACL", "SETUSER", "default", "allkeys")
    }

    private static let register = "herald:{control}:*"
    private static let shards = "herald:{s*"

    private func names(_ test: TestStore, _ queue: QueueAddress) async throws -> [String] {
        try await test.listQueues(of: queue.project, after: nil, limit: 10).map(\.name.text)
    }

    @Test func `A queue that was registered and not created is in no list, and the next request creates it`()
        async throws
    {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let makers: [() async throws -> Void] = [
                {
                    _ = try await test.store.queues.create(
                        queue, metadata: Array("{}".utf8), attributes: QueueAttributes())
                }, { try await test.post(["1"], to: queue) }, { try await test.subscribe(to: queue) },
            ]
            for make in makers {
                // Ended before the first step, and between both.
                try await self.only("nothing", in: test, make)
                try await self.only(Self.register, in: test, make)
                #expect(try await self.names(test, queue).isEmpty)
                #expect(try await test.store.queues.metadata(of: queue) == nil)
                #expect(try await test.bodies(queue).isEmpty)
                try await make()
                #expect(try await self.names(test, queue) == ["q"])
                try await test.store.subscriptions.purge(queue)
                try await test.store.queues.delete(queue)
                #expect(try await self.names(test, queue).isEmpty)
            }
        }
    }

    @Test func `A queue that was deleted and not unregistered is in no list, and can be created again`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            try await test.post(["1"], to: queue)
            try await self.only(Self.shards, in: test) { try await test.store.queues.delete(queue) }
            #expect(try await self.names(test, queue).isEmpty)
            #expect(try await test.bodies(queue).isEmpty)
            try await test.post(["2"], to: queue)
            #expect(try await self.names(test, queue) == ["q"])
            #expect(try await test.bodies(queue) == ["2"])
        }
    }

    @Test func `A subscription without its confirmation gets it when the request is repeated`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe("http://a/", to: queue)
            // The process died here. Its caller, unanswered, says it again.
            #expect(try await test.subscribe("http://a/", to: queue) == id)
            let request = ConfirmationRequest(
                kind: .subscriptionConfirmation, subscriber: "http://a/", at: Timestamp(milliseconds: 0), ttl: 60,
                linkExpiry: 4_000_000_000,
                document: Array("{}".utf8))
            #expect(try await test.store.subscriptions.requestConfirmation(queue, id: id, request) == .requested)
            #expect(try await test.lease().count == 1)
        }
    }
}
