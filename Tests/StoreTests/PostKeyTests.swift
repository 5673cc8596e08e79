import Domain
import NIOCore
import Redis
import Store
import TestKit
import Testing

/// Posts that are known again by their keys.
struct PostKeyTests {
    private func key(_ digest: UInt8 = 1, request: UInt8 = 1, window: Int = 3600) -> PostKey {
        PostKey(
            digest: Array(repeating: digest, count: PostKey.digestBytes),
            request: Array(repeating: request, count: PostKey.digestBytes), window: window)
    }

    private func post(_ test: TestStore, _ bodies: [String], to queue: QueueAddress, _ key: PostKey?) async throws
        -> PostOutcome
    {
        try await test.store.messages.post(
            bodies.map { MessageDraft(ttl: 60, body: ByteBuffer(string: $0)) }, to: queue, by: try client(),
            requestBytes: 100, defaults: PostDefaults(ttl: 3600), key: key, expecting: nil)
    }

    private func ids(_ outcome: PostOutcome) -> [MessageID]? {
        switch outcome {
        case .posted(let ids, _), .repeated(let ids, _): ids
        case .keyTaken, .traitsDiffer: nil
        }
    }

    @Test(arguments: StorageBackend.servers)
    func `A hundred posts at once with one key are one post, and one event for its subscribers`(
        backend: StorageBackend
    ) async throws {
        try await backend.withServers(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue)
            let outcomes = try await withThrowingTaskGroup(of: PostOutcome.self) { group in
                for _ in 0..<100 { group.addTask { try await self.post(test, ["1", "2"], to: queue, self.key()) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let posted = outcomes.filter { if case .posted = $0 { true } else { false } }
            #expect(posted.count == 1 && Set(outcomes.compactMap(self.ids)).count == 1)
            #expect(try await test.bodies(queue) == ["1", "2"])
            #expect(try await test.take().leases.count == 2)
        }
    }

    @Test func `A key ends with its window, and is another one in another queue`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, other) = (try address("p", "q"), try address("p", "other"))
            let first = try await self.post(test, ["1"], to: queue, self.key(window: 60))
            #expect(try await self.post(test, ["1"], to: queue, self.key(request: 2)) == .keyTaken)
            let elsewhere = try await self.post(test, ["1"], to: other, self.key(request: 2))
            #expect(elsewhere != first && self.ids(elsewhere)?.count == 1)
            test.time.pass(seconds: 59)
            #expect(self.ids(try await self.post(test, ["1"], to: queue, self.key())) == self.ids(first))
            test.time.pass(seconds: 1)
            let second = try await self.post(test, ["1"], to: queue, self.key(request: 2))
            #expect(self.ids(second) != self.ids(first))
            // A queue that is deleted takes its keys along.
            try await test.store.queues.delete(queue)
            let third = try await self.post(test, ["1"], to: queue, self.key())
            #expect(self.ids(third) != self.ids(second))
        }
    }

    @Test func `Keys count among the bytes of their project until they are over, and leave nothing`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            func bytes() async throws -> Int {
                try await test.command("HGET", test.key("usage:p"), "bytes").text.flatMap { Int($0) } ?? 0
            }
            _ = try await self.post(test, ["1"], to: queue, nil)
            let plain = try await bytes()
            for digest in 1...50 {
                _ = try await self.post(test, ["1"], to: queue, self.key(UInt8(digest), window: 120))
            }
            #expect(try await bytes() == 51 * plain + 50 * PostKey.bytes)
            // The messages end first.
            test.time.pass(seconds: 61)
            try await test.sweepAll()
            #expect(try await bytes() == 50 * PostKey.bytes)
            #expect(self.ids(try await self.post(test, ["1"], to: queue, self.key()))?.count == 1)
            try await test.store.messages.purge(queue)
            #expect(try await bytes() == 50 * PostKey.bytes)
            // A post with a key removes some that are over, and the sweep the rest.
            test.time.pass(seconds: 60)
            _ = try await self.post(test, ["1"], to: queue, self.key(99, window: 60))
            #expect(try await bytes() == plain + (50 - 20 + 1) * PostKey.bytes)
            test.time.pass(seconds: 120)
            try await test.sweepAll()
            #expect(
                try await test.shardKeys().filter {
                    $0.hasPrefix("post-key") || $0.hasPrefix("usage") || $0 == "queue-sweeps"
                }.isEmpty)
            for digest in 1...3 { _ = try await self.post(test, ["1"], to: queue, self.key(UInt8(digest))) }
            #expect(try await !test.store.queues.deleteIfEmpty(queue))
            try await test.store.queues.delete(queue)
            #expect(try await test.shardKeys().filter { $0.hasPrefix("post-key") || $0.hasPrefix("usage") }.isEmpty)
        }
    }

    @Test func `Keys of a queue that was purged end too, without another post`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            for digest in 1...3 {
                _ = try await self.post(test, ["1"], to: queue, self.key(UInt8(digest), window: 120))
            }
            try await test.store.messages.purge(queue)
            test.time.pass(seconds: 61)
            try await test.sweepAll()
            #expect(try await test.command("HGET", test.key("usage:p"), "bytes").text == "\(3 * PostKey.bytes)")
            test.time.pass(seconds: 60)
            try await test.sweepAll()
            let left = try await test.shardKeys().filter {
                $0.hasPrefix("post-key") || $0.hasPrefix("usage") || $0 == "queue-sweeps"
            }
            #expect(left.isEmpty)
            #expect(try await test.store.queues.deleteIfEmpty(queue))
        }
    }

    @Test func `A post that is refused or too large keeps no key`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            _ = try await test.store.queues.create(
                queue, metadata: Array("{}".utf8), attributes: QueueAttributes(postBytesMax: 10))
            await #expect(throws: Refusal.self) { try await self.post(test, ["1"], to: queue, self.key()) }
            #expect(try await test.store.messages.repeated(self.key(), to: queue) == nil)
            #expect(try await test.store.messages.repeated(self.key(), to: try address("p", "absent")) == nil)
            #expect(try await test.shardKeys().filter { $0.hasPrefix("post-key") }.isEmpty)
        }
    }
}
