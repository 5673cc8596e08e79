import Domain
import Redis
import Store
import TestKit
import Testing

/// A look at the subscriptions and queues of a store against plain lists.
struct SurveyTests {
    private static let servers = StorageBackend.stores

    // MARK: - Places

    @Test func `A batch is taken in parts, each member once, in the order of its bytes`() {
        // The last two are one text to `==`.
        let batch = ScanBatch(members: ["b", "a", "b", "e\u{301}", "é"], next: 0)
        #expect(batch.members.map { Array($0.utf8) } == ["a", "b", "e\u{301}", "é"].map { Array($0.utf8) })
        var place: ScanPlace? = .start
        var taken: [[UInt8]] = []
        while let here = place {
            guard let first = here.rest(of: batch).first else { break }
            taken.append(Array(first.utf8))
            place = here.behind(first, of: batch)
        }
        #expect(place == nil && taken == batch.members.map { Array($0.utf8) })
    }

    @Test func `A batch that ends elsewhere than before is taken whole`() {
        let before = ScanBatch(members: ["a", "b", "c"], next: 8)
        let place = ScanPlace.start.behind("b", of: before)
        #expect(place?.rest(of: before) == ["c"])
        let grown = ScanBatch(members: ["a", "b", "c"], next: 4)
        #expect(place?.rest(of: grown) == ["a", "b", "c"])
        #expect(place?.behind("c", of: before) == ScanPlace(cursor: 8, taken: nil))
    }

    // MARK: - Subscriptions

    /// All members of a collection, read as pages of so many do, over all shards; `meanwhile` is called between the pages.
    private func members(
        of collection: SurveyedCollection, in test: TestStore, pages limit: Int = 7,
        meanwhile: () async throws -> Void = {}
    ) async throws -> [String] {
        var found: [String] = []
        for (shard, count) in try await test.store.surveys.counts(of: collection).enumerated() where count > 0 {
            var place: ScanPlace? = .start
            while let here = place {
                let batch = try await test.store.surveys.batch(of: collection, in: shard, at: here.cursor)
                let rest = here.rest(of: batch)
                let taken = rest.prefix(limit)
                found += taken
                place = taken.last.flatMap { here.behind($0, of: batch) }
                if taken.isEmpty { place = here.behind(batch) }
                try await meanwhile()
            }
        }
        return found
    }

    /// Lets Redis keep small collections as it keeps large ones.
    private func keepAsLarge(_ test: TestStore) async throws {
        try await test.configure("hash-max-ziplist-entries", "0")
        try await test.configure("zset-max-ziplist-entries", "0")
    }

    @Test(arguments: Self.servers, [false, true])
    func `Each collection has the subscriptions that a plain list has`(backend: StorageBackend, isLarge: Bool)
        async throws
    {
        try await backend.withServers(shards: 2) { test in
            if isLarge { try await self.keepAsLarge(test) }
            var random = SeededGenerator(seed: 11)
            let deliveries = test.store.deliveries
            let queues = try (0..<4).map { try address("p\($0 % 2)", "q\($0)") }
            var all: [SubscriptionID: QueueAddress] = [:]
            var expiring: Set<SubscriptionID> = []
            for number in 0..<160 {
                let queue = random.pick(queues)
                let id = try await test.subscribe(
                    "http://s\(number)/", to: queue, ttl: number % 8 == 0 ? 60 : 1_000_000)
                if number % 8 == 0 { expiring.insert(id) }
                all[id] = queue
            }
            var expected: [SurveyedCollection: Set<SubscriptionID>] = [:]
            for (id, queue) in all.sorted(by: { $0.key.text < $1.key.text }) where random.chance(0.3) {
                #expect(try await deliveries.pause(queue, subscription: id))
                expected[.paused, default: []].insert(id)
            }
            for queue in queues { try await test.post(["1"], to: queue) }
            for shard in 0..<2 {
                // No capacity: everything waits.
                while try await deliveries.take(
                    shard, allowance: LeaseAllowance(capacity: 0), lease: .seconds(15), confirmedOnly: false
                ).more {}
            }
            expected[.waiting] = Set(all.keys)
            expected[.subscriptions] = Set(all.keys)
            for (id, queue) in all.sorted(by: { $0.key.text < $1.key.text }) where random.chance(0.1) {
                try await test.store.subscriptions.delete(queue, id: id)
                for collection in expected.keys { expected[collection]?.remove(id) }
                all[id] = nil
            }
            test.time.pass(seconds: 61)
            for id in expiring {
                for collection in expected.keys { expected[collection]?.remove(id) }
            }
            for collection in [SurveyedCollection.open, .disabled, .paused, .waiting, .subscriptions] {
                let ids = try await self.members(of: collection, in: test).compactMap { SubscriptionID($0) }
                var living: [SurveyedSubscription] = []
                for shard in 0..<2 {
                    for start in stride(from: 0, to: ids.count, by: 50) {
                        let part = Array(ids[start..<min(start + 50, ids.count)])
                        living += try await test.store.surveys.subscriptions(part, in: shard)
                    }
                }
                #expect(Set(living.map(\.id)) == expected[collection] ?? [], "\(collection)")
                #expect(living.allSatisfy { all[$0.id] == $0.queue }, "\(collection)")
                for row in living {
                    let health = try await deliveries.health(of: row.queue, subscription: row.id)
                    #expect(health == row.health, "\(collection)")
                }
            }
        }
    }

    @Test(arguments: StorageBackend.servers)
    func `What is there all the time is met while hundreds come and go`(backend: StorageBackend) async throws {
        try await backend.withServers(shards: 1) { test in
            try await self.keepAsLarge(test)
            let queue = try address("p", "q")
            let lasting = try await test.subscribe(many: 400, to: queue)
            var passing: [SubscriptionID] = []
            var number = 0
            let found = try await self.members(of: .subscriptions, in: test) {
                // More than there are, and then fewer: Redis moves its table to another size under way.
                number += 1
                if number % 2 == 0, number < 40 {
                    for extra in 0..<60 {
                        passing.append(try await test.subscribe("http://more\(number)-\(extra)/", to: queue))
                    }
                } else if !passing.isEmpty {
                    for id in passing.prefix(90) { try await test.store.subscriptions.delete(queue, id: id) }
                    passing.removeFirst(min(90, passing.count))
                    test.time.pass(milliseconds: 1)
                    try await test.sweepAll()
                }
            }
            #expect(Set(lasting.map(\.text)).subtracting(found).isEmpty)
        }
    }

    @Test func `One subscription that cannot be read hides none of the others`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let ids = [
                try await test.subscribe("http://a/", to: queue), try await test.subscribe("http://b/", to: queue),
            ]
            try await test.command("HSET", test.key("pacing"), ids[0].text, "0 8 z1")
            #expect(try await test.store.surveys.subscriptions(ids, in: 0).map(\.id) == [ids[1]])
        }
    }

    @Test func `The subscriptions of a queue come in the order of their creation`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let ids = try await test.subscribe(many: 30, to: queue).sorted { $0.text < $1.text }
            var found: [SubscriptionID] = []
            while found.count < 30 {
                let page = try await test.store.surveys.subscriptions(of: queue, after: found.last, limit: 7)
                #expect(page.ids.count == min(7, 30 - found.count))
                found += page.ids
                #expect(try await test.store.surveys.subscriptions(page.ids, in: page.shard).map(\.id) == page.ids)
            }
            #expect(found == ids)
        }
    }

    // MARK: - Queues

    @Test(arguments: Self.servers)
    func `What a queue holds is what its figures say`(backend: StorageBackend) async throws {
        try await backend.withServers(shards: 2) { test in
            var random = SeededGenerator(seed: 5)
            let queues = try (0..<6).map { try address("p", "q\($0)") }
            for _ in 0..<60 {
                let queue = random.pick(queues.dropLast().map(\.self))
                switch Int.random(in: 0..<4, using: &random) {
                case 0, 1: try await test.post(["\(random.next())"], to: queue, ttl: random.pick([60, 600]))
                case 2: _ = try await test.store.claims.create(queue, limit: 1, ttl: 60, grace: 60)
                default: _ = try await test.store.messages.pop(queue, limit: 1)
                }
                test.time.pass(seconds: random.pick([0, 3, 20]))
            }
            let surveyed = try await test.store.surveys.queues(queues)
            let holding = try await self.members(of: .holding, in: test)
            #expect(surveyed.last == .some(nil), "the last one was never made")
            let bytes = try await test.store.usage(of: queues[0].project).bytes
            #expect(surveyed.reduce(0) { $0 + ($1?.bytes ?? 0) } == bytes)
            for (queue, held) in zip(queues, surveyed) {
                guard let held else { continue }
                let stats = try await test.store.queues.stats(of: queue)
                #expect(held.messages == stats.total && held.claimed == stats.claimed && held.free == stats.free)
                #expect(held.oldestAge == stats.oldest?.age, "\(queue.name)")
                #expect(holding.contains(queue.key) || held.messages == 0)
            }
        }
    }

    @Test func `Posts that no notifier came to, subscriptions and dead letters count`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue)
            try await test.post(["1"], to: queue)
            _ = try await test.settle(test.take().leases, .deadLetter(.refused, summary: "refused 404"))
            try await test.post(["2"], to: queue)
            try await test.post(["3"], to: queue)
            let held = try #require(try await test.store.surveys.queues([queue]).first ?? nil)
            #expect(held.subscriptions == 1 && held.events == 2 && held.deadLetters == 1 && held.messages == 3)
        }
    }

    @Test func `The age of a queue is that of its first living message, or not known`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.post((0..<10).map { "\($0)" }, to: queue, ttl: 60)
            test.time.pass(seconds: 50)
            try await test.post(["lasts"], to: queue, ttl: 600)
            test.time.pass(seconds: 15)
            func held() async throws -> SurveyedQueue? { try await test.store.surveys.queues([queue])[0] }
            #expect(try await held()?.oldestAge == nil, "ten that expired are in front of it")
            #expect(try await held()?.messages == 1)
            try await test.sweepAll()
            #expect(try await held()?.oldestAge == 15)
        }
    }

    // MARK: - Projects

    @Test(arguments: StorageBackend.servers)
    func `Projects are listed while they have queues`(backend: StorageBackend) async throws {
        try await backend.withServers(shards: 1) { test in
            let store = test.store.registering(in: test.store, as: [nil], by: nil)
            var random = SeededGenerator(seed: 3)
            var queues: Set<QueueAddress> = []
            for step in 0..<200 {
                let queue = try address("p:\(Int.random(in: 0..<8, using: &random))", random.pick(["a", "b", "c"]))
                if random.chance(0.5) {
                    _ = try await store.queues.create(
                        queue, metadata: Array("{}".utf8), attributes: QueueAttributes())
                    queues.insert(queue)
                } else {
                    try await store.queues.delete(queue)
                    queues.remove(queue)
                }
                var listed: [ProjectID] = []
                while true {
                    let page = try await store.projects.list(after: listed.last, limit: 3)
                    listed += page
                    if page.count < 3 { break }
                }
                #expect(listed.map(\.text) == Set(queues.map(\.project.text)).sorted(), "step \(step)")
            }
        }
    }

    @Test func `A project from before projects were listed is listed once it is noted, if it has queues`() async throws
    {
        try await withTestStore(shards: 1) { test in
            let store = test.store.registering(in: test.store, as: [nil], by: nil)
            let queue = try address("old", "q")
            try await test.command("ZADD", "herald:{control}:queues:old", "0", "q")
            #expect(try await store.projects.list(after: nil, limit: 10).isEmpty)
            for project in [queue.project, try ProjectID("none")] { try await store.projects.note(project) }
            #expect(try await store.projects.list(after: nil, limit: 10) == [queue.project])
            #expect(try await store.projects.list(after: queue.project, limit: 10).isEmpty)
        }
    }
}
