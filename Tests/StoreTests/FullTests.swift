import Domain
import NIOCore
import Redis
import Store
import TestKit
import Testing

/// Redis has reached `maxmemory`: what frees memory goes on, what only grows is refused before it has written anything.
struct FullTests {
    private func withFullStore(
        on backend: StorageBackend, _ body: (TestStore, QueueAddress, [MessageID]) async throws -> Void
    ) async throws {
        try await backend.withServers(shards: 1) { test in
            let queue = try address("p", "q")
            let ids = try await test.post((0..<40).map(String.init), to: queue)
            _ = try await test.store.claims.create(queue, limit: 5, ttl: 60, grace: 60)
            try await test.configure("maxmemory", "1")
            try await body(test, queue, ids)
        }
    }

    private func isFull(_ body: () async throws -> Void) async throws -> Bool {
        do {
            try await body()
            return false
        } catch let error as StoreError {
            return error.trouble == .full
        }
    }

    @Test func `Any master of a cluster that is full is noticed`() async throws {
        try await withRedisCluster { cluster in
            try await withRedisClient(to: try RedisURL(cluster.url, as: .setting)) { client in
                let store = try await Store.open(on: client, shards: 16, logger: quietLogger())
                for master in cluster.masters {
                    #expect(try await store.probeWritable())
                    try await master.command("CONFIG", "SET", "maxmemory", "1")
                    #expect(try await !store.probeWritable())
                    try await master.command("CONFIG", "SET", "maxmemory", "0")
                }
            }
        }
    }

    @Test(arguments: StorageBackend.servers)
    func `Claims are made, renewed and released`(backend: StorageBackend) async throws {
        try await self.withFullStore(on: backend) { test, queue, _ in
            // The five of the lapsed claim come first.
            test.time.pass(seconds: 61)
            let claim = try #require(try await test.store.claims.create(queue, limit: 10, ttl: 60, grace: 60))
            #expect(claim.messages.map { String(decoding: $0.body, as: UTF8.self) } == (0..<10).map(String.init))
            #expect(try await test.store.claims.update(queue, id: claim.id, ttl: 90, grace: 60))
            #expect(try await test.store.claims.get(queue, id: claim.id)?.messages.count == 10)
            try await test.store.claims.release(queue, id: claim.id)
            #expect(try await test.bodies(queue, limit: 50).count == 40)
        }
    }

    @Test(arguments: StorageBackend.servers)
    func `Messages are listed, popped, deleted, purged and swept`(backend: StorageBackend) async throws {
        try await self.withFullStore(on: backend) { test, queue, ids in
            test.time.pass(seconds: 61)
            #expect(try await test.bodies(queue, limit: 50).count == 40)
            #expect(try await test.store.messages.pop(queue, limit: 3).count == 3)
            #expect(try await test.store.messages.delete(queue, id: ids[20], claim: nil) == .deleted)
            try await test.store.messages.delete(queue, ids: Array(ids[30..<35]))
            #expect(try await test.store.queues.stats(of: queue).total == 31)
            test.time.pass(seconds: 4000)
            try await test.sweepAll()
            #expect(
                try await test.command("EXISTS", test.key("queue:1:p:q:log")).int == 0
            )
            try await test.store.messages.purge(queue)
            try await test.store.queues.delete(queue)
            #expect(try await test.store.queues.metadata(of: queue) == nil)
        }
    }

    @Test(arguments: StorageBackend.servers)
    func `A message claimed too often moves to its dead-letter queue`(backend: StorageBackend) async throws {
        try await backend.withServers(shards: 1) { test in
            let (queue, target) = (try address("p", "q"), try address("p", "dead"))
            _ = try await test.store.queues.create(
                queue, metadata: Array("{}".utf8),
                attributes: QueueAttributes(claimCountMax: 1, deadLetterQueue: target.name))
            _ = try await test.store.queues.create(
                target, metadata: Array("{}".utf8), attributes: QueueAttributes())
            let ids = try await test.post(["one"], to: queue)
            _ = try await test.store.claims.create(queue, limit: 1, ttl: 60, grace: 60)
            test.time.pass(seconds: 61)
            try await test.configure("maxmemory", "1")
            #expect(try await test.store.claims.create(queue, limit: 1, ttl: 60, grace: 60) == nil)
            #expect(try await test.store.messages.get(target, id: ids[0]) != nil)
        }
    }

    @Test(arguments: StorageBackend.servers)
    func `A subscriber confirms and withdraws`(backend: StorageBackend) async throws {
        try await backend.withServers(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue)
            try await test.configure("maxmemory", "1")
            for isConfirmed in [true, false] {
                #expect(try await test.store.subscriptions.confirm(queue, id: id, isConfirmed))
                #expect(try await test.store.subscriptions.get(queue, id: id)?.confirmed == isConfirmed)
            }
        }
    }

    @Test(arguments: StorageBackend.servers)
    func `Subscriptions end`(backend: StorageBackend) async throws {
        try await backend.withServers(shards: 1) { test in
            let queue = try address("p", "q")
            let first = try await test.subscribe("http://1", to: queue)
            try await test.subscribe("http://2", to: queue)
            try await test.configure("maxmemory", "1")
            try await test.store.subscriptions.delete(queue, id: first)
            try await test.store.subscriptions.purge(queue)
            #expect(try await test.take().leases.isEmpty)
        }
    }

    @Test(arguments: StorageBackend.servers)
    func `What only grows is refused as full, and leaves nothing behind`(backend: StorageBackend) async throws {
        try await self.withFullStore(on: backend) { test, queue, _ in
            let before = try await test.keys()
            #expect(try await self.isFull { try await test.post(["more"], to: queue) })
            #expect(try await self.isFull { try await test.post(["first"], to: try address("p", "new")) })
            #expect(
                try await self.isFull {
                    _ = try await test.store.queues.create(
                        try address("p", "other"), metadata: Array("{}".utf8), attributes: QueueAttributes())
                })
            #expect(try await self.isFull { try await test.subscribe(to: queue) })
            #expect(
                try await self.isFull {
                    _ = try await test.store.topics.create(
                        TopicAddress(project: queue.project, name: try TopicName("t")), metadata: Array("{}".utf8))
                })
            #expect(try await test.keys() == before)
            #expect(try await !test.store.probeWritable())
            try await test.configure("maxmemory", "0")
            #expect(try await test.store.probeWritable())
            #expect(try await test.store.queues.stats(of: queue).total == 40)
        }
    }
}
