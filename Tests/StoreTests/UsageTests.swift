import Domain
import NIOCore
import Redis
import Store
import TestKit
import Testing

/// What is counted of projects is what is there.
struct UsageTests {
    /// What lies in Redis: the records of all messages, and the records of subscriptions, by project.
    private func found(_ test: TestStore) async throws -> [String: StoredUsage] {
        var found: [String: StoredUsage] = [:]
        func project(_ address: Substring) -> String {
            let parts = address.split(separator: ":", maxSplits: 1)
            return String(decoding: parts[1].utf8.prefix(Int(parts[0]) ?? 0), as: UTF8.self)
        }
        for key in try await test.shardKeys() {
            let name = test.key(key)
            if key.hasPrefix("queue:"), key.hasSuffix(":log") {
                for entry in try await test.command("XRANGE", name, "-", "+").array ?? [] {
                    let record = entry.array?[1].array?[1].bytes ?? []
                    found[project(key.dropFirst("queue:".count)), default: StoredUsage()].bytes += record.count
                }
            } else if key == "subscriptions" {
                for id in try await test.command("HKEYS", name).array ?? [] {
                    let header = try await test.command(
                        "HGET", test.key("subscription-headers"), try #require(id.text))
                    let address = try #require(header.text).dropFirst(38)
                    found[project(address), default: StoredUsage()].subscriptions += 1
                }
            }
        }
        return found
    }

    private func expectCounted(_ test: TestStore, _ projects: [String], _ place: Comment) async throws {
        let found = try await self.found(test)
        for project in projects {
            let counted = try await test.store.usage(of: try ProjectID(project))
            #expect(counted == found[project] ?? StoredUsage(), place)
        }
    }

    @Test(arguments: StorageBackend.runs(seeds: 8))
    func `After whatever was done in whatever order the counts are what is there`(seed: UInt64, backend: StorageBackend)
        async throws
    {
        try await backend.withServers(shards: 1) { test in
            var random = SeededGenerator(seed: seed)
            let projects = ["p", "p:q"]
            var queues: [QueueAddress] = []
            for project in projects {
                let (source, dead) = (try address(project, "source"), try address(project, "dead"))
                queues += [source, dead]
                _ = try await test.store.queues.create(
                    source, metadata: Array("{}".utf8),
                    attributes: QueueAttributes(
                        claimCountMax: 1, deadLetterQueue: dead.name, deadLetterTTL: random.pick([nil, 100])))
            }
            for step in 0..<250 {
                test.time.pass(milliseconds: random.pick([0, 0, 1, 1000, 20_000, 61_000]))
                try await self.step(test, random.pick(queues), &random)
                try await self.expectCounted(test, projects, "seed \(seed), step \(step)")
            }
            test.time.pass(seconds: 2_000_000)
            // A subscription stays for as long as events from before its end wait.
            while try await test.take().more {}
            test.time.pass(seconds: 2)
            try await test.sweepAll()
            try await self.expectCounted(test, projects, "seed \(seed), at the end")
            for project in projects {
                #expect(try await test.store.usage(of: try ProjectID(project)) == StoredUsage())
            }
            #expect(try await !test.shardKeys().contains { $0.hasPrefix("usage:") || $0.hasSuffix(":states") })
        }
    }

    private func step(_ test: TestStore, _ queue: QueueAddress, _ random: inout SeededGenerator) async throws {
        let messages = try await test.store.messages.list(
            queue, after: nil, limit: 20, hiding: nil, includeDelayed: true, includeClaimed: true)
        let number = Int.random(in: 0..<4, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<30:
            // Around the size from which one is written down.
            let bodies = (0..<random.pick([1, 1, 3, 12])).map { _ in
                String(repeating: "x", count: random.pick([2, 300, 2_030, 2_040, 9_000]))
            }
            let delay = random.pick([nil, nil, 30])
            try await test.post(bodies, to: queue, ttl: random.pick([60, 120, 3600]), delay: delay)
        case 30..<45:
            _ = try await test.store.claims.create(queue, limit: random.pick([1, 5]), ttl: 60, grace: 60)
        case 45..<55:
            _ = try await test.store.messages.pop(queue, limit: random.pick([1, 4]))
        case 55..<65:
            let ids = messages.filter { _ in random.chance(0.5) }.map(\.id)
            try await test.store.messages.delete(queue, ids: ids)
        case 65..<68: try await test.store.messages.purge(queue)
        case 68..<70: try await test.store.queues.delete(queue)
        case 70..<78: while try await test.store.deliveries.sweep(0, limit: random.pick([1, 7, 500])).more {}
        case 78..<82: _ = try await test.store.queues.stats(of: queue)
        case 82..<92: try await test.subscribe("http://\(number)/", to: queue, ttl: random.pick([60, 3600]))
        case 92..<97:
            for subscription in try await test.store.subscriptions.list(queue, after: nil, limit: number) {
                try await test.store.subscriptions.delete(queue, id: subscription.id)
            }
        default: try await test.store.subscriptions.purge(queue)
        }
    }

    @Test func `What was stored before anything was counted lowers no count`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.post(["1", "22"], to: queue)
            let old = try await test.subscribe("http://a/", to: queue)
            // As an older version leaves it.
            try await test.redis.command("DEL", test.key("usage:p"))
            try await test.redis.command("HDEL", test.key("queue:1:p:q:meta"), "bytes", "counted-from")
            test.time.pass(seconds: 1)
            try await test.post(["333"], to: queue)
            try await test.subscribe("http://b/", to: queue)
            #expect(try await test.store.usage(of: queue.project) == StoredUsage(bytes: 16, subscriptions: 1))
            _ = try await test.store.messages.pop(queue, limit: 2)
            try await test.store.subscriptions.delete(queue, id: old)
            #expect(try await test.store.usage(of: queue.project) == StoredUsage(bytes: 16, subscriptions: 1))
            _ = try await test.store.messages.pop(queue, limit: 1)
            #expect(try await test.store.usage(of: queue.project) == StoredUsage(subscriptions: 1))
        }
    }

    @Test func `What an older version appended counts no more once the queue is empty`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.post(["1", "22"], to: queue)
            // As if one had been appended, or removed, without a count.
            try await test.redis.command("HINCRBY", test.key("usage:p"), "bytes", "500")
            try await test.redis.command("HINCRBY", test.key("queue:1:p:q:meta"), "bytes", "500")
            #expect(try await test.store.usage(of: queue.project).bytes == 529)
            _ = try await test.store.messages.pop(queue, limit: 2)
            #expect(try await test.store.usage(of: queue.project) == StoredUsage())
        }
    }

    @Test func `A removal reads no large record`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let ids = try await test.post([String(repeating: "x", count: 50_000), "2"], to: queue)
            let commands = try await test.commands { try await test.store.messages.delete(queue, ids: ids) }
            #expect(commands["xrange"] == 1)
        }
    }
}
