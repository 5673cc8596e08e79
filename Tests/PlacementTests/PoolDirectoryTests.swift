import Domain
import Placement
import Redis
import Store
import TestKit
import Testing

/// Directories over real Redis servers.
struct PoolDirectoryTests {
    @Test func `A-34: a queue is found where it was entered, by its flavor, and else in the default store`()
        async throws
    {
        try await withRedis { redis in
            try await withDirectory(on: redis) { directory async throws in
                let queue = try address("p", "q")
                #expect(try await directory.placement(of: queue) == nil)
                #expect(try await directory.make(queue) == nil)
                try await directory.put("a", "\(redis.url)?t=a")
                try await directory.put("b", "\(redis.url)?t=b", label: "gold")
                #expect(try await directory.placement(of: queue)?.pool == .some(nil))
                #expect(try await directory.placement(of: address("p", "none")) == nil)
                let gold = FlavorAddress(project: queue.project, name: try FlavorName("gold"))
                await #expect(throws: Refusal.self) {
                    try await directory.make(address("p", "q2"), PlacementRequest(flavor: gold.name))
                }
                try await directory.put(flavor: gold, of: ["b"])
                #expect(
                    try await directory.make(address("p", "q2"), PlacementRequest(flavor: gold.name)) == PoolName("b"))
                #expect(try await directory.make(address("p", "q3")) == PoolName("a"))
                await #expect(throws: Refusal.self) {
                    try await directory.make(address("p2", "q2"), PlacementRequest(flavor: gold.name))
                }
            }
        }
    }

    @Test func `Queues of a project are counted over all pools, and a limit holds for all of them`() async throws {
        try await withRedis { redis in
            try await withRedis { other in
                try await withDirectory(on: redis) { directory async throws in
                    func make(_ name: String, _ project: String = "p", queuesMax: Int) async throws {
                        let queue = try address(project, name)
                        try await directory.making(queue, queuesMax: queuesMax) { place in
                            _ = try await place.store.queues.create(
                                queue, metadata: Array("{}".utf8), attributes: QueueAttributes())
                        }
                    }
                    try await make("a", queuesMax: 1)
                    try await directory.put("one", other.url)
                    let refusal = Refusal.limitReached(.queues, max: 1)
                    await #expect(throws: refusal) { try await make("b", queuesMax: 1) }
                    try await make("b", queuesMax: 2)
                    #expect(try await directory.placement(of: address("p", "b"))?.pool == PoolName("one"))
                    await #expect(throws: Refusal.limitReached(.queues, max: 2)) { try await make("c", queuesMax: 2) }
                    try await make("b", queuesMax: 1)
                    try await make("c", "other", queuesMax: 1)
                    try await directory.delete(try address("p", "a"))
                    try await make("c", queuesMax: 2)
                    try await make("d", queuesMax: 0)
                }
            }
        }
    }

    @Test func `The format is raised in the control store and in every pool, if every process understands it`()
        async throws
    {
        try await withRedis { redis in
            try await withRedis { other in
                try await withRedisClient(to: redis.endpoint) { pool in
                    _ = try await Store.open(on: pool, shards: 16, formats: 1...1, logger: quietLogger())
                }
                try await withDirectory(on: redis, formats: 1...2) { directory async throws in
                    try await directory.put("a", other.url)
                    #expect(try await directory.make(address("p", "q")) == PoolName("a"))
                    func formats() async throws -> [String?] {
                        let key = "herald:{control}:format"
                        return [try await redis.command("GET", key).text, try await other.command("GET", key).text]
                    }
                    let old = RegisteredProcess(
                        role: .notifier, version: "0", formats: 1...1, host: "h", pid: 1)
                    _ = try await directory.defaultStore.processes.beat(old)
                    #expect(try await directory.raiseFormat(to: 2) == .refused(processes: [old.id]))
                    #expect(try await formats() == ["1", "1"])
                    try await directory.defaultStore.processes.leave(old.id)
                    #expect(try await directory.raiseFormat(to: 2) == .raised)
                    #expect(try await formats() == ["2", "2"])
                    #expect(try await directory.raiseFormat(to: 2) == .kept(2))
                }
            }
        }
    }

    @Test func `A pool whose Redis was emptied is opened anew, and the others are not touched`() async throws {
        try await withRedis { redis in
            try await withRedis { other in
                try await withDirectory(on: redis) { directory async throws in
                    try await directory.put("a", other.url)
                    let queue = try address("p", "q")
                    #expect(try await directory.make(queue) == PoolName("a"))
                    let known = try await directory.store(of: queue)
                    try await other.command("FLUSHALL")
                    #expect(try await eventually { known.isCurrent ? nil : true } == true)
                    let next = try await directory.store(of: queue)
                    #expect(next.isCurrent && directory.defaultStore.isCurrent)
                    #expect(try await next.queues.metadata(of: queue) == nil)
                    #expect(try await directory.make(queue) == PoolName("a"))
                    #expect(try await next.queues.metadata(of: queue) != nil)
                }
            }
        }
    }

    @Test func `A-35: registering twice is fine, an unregistered queue is absent, and the count of a pool is exact`()
        async throws
    {
        try await withRedis { redis in
            try await withDirectory(on: redis) { directory async throws in
                try await directory.put("a", "\(redis.url)?t=a")
                let (pool, control) = (try PoolName("a"), directory.defaultStore)
                let queues = try (0..<5).map { try address("p", "q\($0)") }
                for queue in queues + queues { #expect(try await directory.make(queue) == pool) }
                #expect(try await control.pools.queueCounts() == [pool: 5])
                #expect(try await control.directory.locate(queues).allSatisfy { $0 == .at(pool) })
                for queue in queues.prefix(3) + queues.prefix(3) { try await directory.delete(queue) }
                #expect(try await control.pools.queueCounts() == [pool: 2])
                #expect(
                    try await control.directory.locate(queues) == [.absent, .absent, .absent, .at(pool), .at(pool)])
                let listed = try await directory.queues(of: queues[0].project, after: nil, limit: 10)
                #expect(listed.map(\.name.text) == ["q3", "q4"])
            }
        }
    }

    @Test func `A queue that lives on another pool is not unregistered by its deletion elsewhere`() async throws {
        try await withRedis { redis in
            try await withRedis { other in
                try await withDirectory(on: redis) { directory async throws in
                    try await directory.put("a", other.url)
                    let (pool, queue) = (try PoolName("a"), try address("p", "q"))
                    #expect(try await directory.make(queue) == pool)
                    try await directory.put("b", "\(redis.url)?t=b")
                    let control = directory.defaultStore
                    // Processes with an older location of it in their cache.
                    for stale in [nil, try PoolName("b")] {
                        try await control.registering(in: control, as: [stale], by: nil).queues.delete(queue)
                        #expect(try await control.directory.locate([queue]) == [.at(pool)])
                        #expect(try await control.pools.queueCounts() == [pool: 1])
                        let listed = try await directory.queues(of: queue.project, after: nil, limit: 10)
                        #expect(listed.map(\.name.text) == ["q"])
                    }
                    #expect(try await directory.store(of: queue).queues.metadata(of: queue) != nil)
                    try await directory.delete(queue)
                    #expect(try await control.directory.locate([queue]) == [.absent])
                }
            }
        }
    }

    @Test func `A-36, A-37: pools and flavors are kept as they were put, and put again`() async throws {
        try await withRedis { redis in
            try await withDirectory(on: redis) { directory async throws in
                for name in ["b", "a", "10", "1"] { try await directory.put(name, "\(redis.url)?t=\(name)") }
                #expect(directory.snapshot.pools.map(\.name.text) == ["1", "10", "a", "b"])
                try await directory.remove("none")
                let options = Array(#"{"any": [1, "3:x:"]}"#.utf8)
                let pool = StoragePool(
                    name: try PoolName("a"), uri: redis.url, weight: 4_294_967_295, label: "é:3", options: options,
                    capabilities: [.claims, .durability])
                try await directory.change { snapshot throws(Refusal) in try snapshot.putting(pool) }
                #expect(directory.snapshot.pool(pool.name) == pool)
                let flavors = try ["y", "x"].map {
                    FlavorAddress(project: try ProjectID("2:p:q"), name: try FlavorName($0))
                }
                for flavor in flavors + flavors { try await directory.put(flavor: flavor, of: ["1", "10"]) }
                #expect(Set(directory.snapshot.flavors.keys) == Set(flavors))
                #expect(directory.snapshot.flavors.values.allSatisfy { $0.capabilities == .redis })
                // Another process reads the same.
                try await withDirectory(on: redis) { other async throws in
                    #expect(other.snapshot == directory.snapshot)
                }
            }
        }
    }

    @Test func `Ten thousand queues are spread as the weights say, within two per cent`() async throws {
        let numbers = SeededNumbers(seed: 20_251_121)
        try await withRedis { redis in
            try await withDirectory(on: redis, random: { numbers.draw($0) }) { directory async throws in
                let weights = ["a": 100, "b": 200, "c": 700, "d": 0]
                for (name, weight) in weights {
                    try await directory.put(name, "\(redis.url)?t=\(name)", weight: weight)
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for part in 0..<20 {
                        group.addTask {
                            for number in 0..<500 {
                                _ = try await directory.making(try address("p", "q\(part)-\(number)")) { $0.pool }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                let counts = try await directory.defaultStore.pools.queueCounts()
                for (name, weight) in weights {
                    let share = Double(counts[try PoolName(name)] ?? 0) / 10_000
                    #expect(abs(share - Double(weight) / 1000) <= 0.02, "\(name): \(share)")
                }
                #expect(counts.values.reduce(0, +) == 10_000)
            }
        }
    }

    @Test func `Processes that make the same queues at once agree on their places, while pools come and go`()
        async throws
    {
        try await withRedis { redis in
            try await withDirectory(on: redis) { first in
                try await withDirectory(on: redis) { second async throws in
                    let queues = try (0..<300).map { try address("p", "q\($0)") }
                    let places = try await withThrowingTaskGroup(of: [QueueAddress: PoolName?].self) { group in
                        for directory in [first, second] {
                            group.addTask {
                                var places: [QueueAddress: PoolName?] = [:]
                                for queue in queues { places[queue] = .some(try await directory.make(queue)) }
                                return places
                            }
                        }
                        group.addTask {
                            for number in 0..<6 {
                                try await first.put("p\(number)", "\(redis.url)?t=\(number)")
                                if number % 2 == 1 { try? await second.remove("p\(number)") }
                            }
                            return [:]
                        }
                        return try await group.reduce(into: []) { $0.append($1) }.filter { !$0.isEmpty }
                    }
                    #expect(places.count == 2 && places[0] == places[1])
                    let locations = try await first.defaultStore.directory.locate(queues)
                    #expect(
                        zip(queues, locations).allSatisfy { queue, location in location == .at(places[0][queue] ?? nil)
                        })
                    let counts = try await first.defaultStore.pools.queueCounts()
                    let inPools = places[0].values.count { $0 != nil }
                    #expect(counts.values.reduce(0, +) == inPools)
                }
            }
        }
    }

    @Test func `Figures cover every Redis once, and say which of them is away`() async throws {
        try await withRedis { redis in
            try await withRedis { far in
                try await withDirectory(on: redis) { directory async throws in
                    try await directory.put("a", far.url)
                    try await directory.put("b", redis.url, weight: 0)
                    var figures = await Self.figures(directory)
                    #expect(figures.map(\.pool) == ["a", "default,b"])
                    #expect(figures.allSatisfy { $0.roundTrip != nil && $0.backlog != nil })
                    #expect(figures.allSatisfy { ($0.memory ?? 0) > 100_000 })
                    await far.kill()
                    let away: Bool? = try await eventually {
                        figures = await Self.figures(directory)
                        return figures[0].roundTrip == nil && figures[1].roundTrip != nil ? true : nil
                    }
                    #expect(away == true)
                }
            }
        }
    }

    private static func figures(_ directory: PoolDirectory) async -> [StoreFigures] {
        var figures: [StoreFigures] = []
        for store in await directory.measured() { figures.append(await store.figures()) }
        return figures.sorted { $0.pool < $1.pool }
    }

    @Test func `Every watch of the pools notices a change by itself`() async throws {
        try await withRedis { redis in
            try await withRedis { far in
                try await withDirectory(on: redis) { first in
                    try await withDirectory(on: redis) { second async throws in
                        var changes = second.watch.changes().makeAsyncIterator()
                        #expect(await changes.next()?.endpoints.map(\.pools) == [[nil]])
                        try await first.put("a", far.url)
                        let added = await changes.next()
                        #expect(
                            added?.endpoints.map(\.url) == [RedisURL(redis.endpoint), try RedisURL(far.url, as: .pool)])
                        let known: Bool? = try await eventually { second.snapshot.pools.isEmpty ? nil : true }
                        #expect(known == true)
                        try await first.remove("a")
                        #expect(await changes.next()?.endpoints.count == 1)
                    }
                }
            }
        }
    }

    @Test func `A store of a pool that a notifier opens registers dead-letter queues there`() async throws {
        try await withRedis { redis in
            try await withRedis { far in
                try await withDirectory(on: redis) { directory async throws in
                    try await directory.put("a", far.url)
                    let (source, target) = (try address("p", "q"), try address("p", "dead"))
                    let attributes = QueueAttributes(claimCountMax: 1, deadLetterQueue: target.name)
                    let request = PlacementRequest(deadLetters: target.name)
                    try await directory.making(source, request) { placement in
                        _ = try await placement.store.queues.create(
                            source, metadata: Array("{}".utf8), attributes: attributes)
                    }
                    let endpoint = try #require(directory.watch.endpoints.endpoints.last)
                    let control = directory.defaultStore
                    try await withRedisClient(to: endpoint.url) { client in
                        let store = try await control.open(on: client, logger: quietLogger())
                            .registering(in: control, as: endpoint.pools, by: nil)
                        #expect(try await store.queues.metadata(of: source) != nil)
                        #expect(try await control.directory.locate([target]) == [.reserved(PoolName("a"))])
                        #expect(try await directory.make(target) == PoolName("a"))
                    }
                    let elsewhere = try await control.directory.reserve(
                        target, for: address("p", "any"), at: nil, by: directory.snapshot.version)
                    #expect(elsewhere == .elsewhere)
                }
            }
        }
    }
}
