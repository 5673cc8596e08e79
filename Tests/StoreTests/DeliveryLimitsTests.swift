import Domain
import Redis
import Store
import TestKit
import Testing

/// What is kept of deliveries that wait or ended has bounds.
struct DeliveryLimitsTests {
    // MARK: - Dead letters

    @Test func `The body of a message is kept once for all of its dead letters, until the last is gone`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let subscriptions = try await test.subscribe(many: 200, to: queue)
            let before = try await test.memory()
            let id = try await test.post([String(repeating: "x", count: 250_000)], to: queue)[0]
            var leases = try await test.take().leases
            while !leases.isEmpty {
                _ = try await test.settle(leases, .deadLetter(.refused, summary: "refused 404"))
                leases = try await test.lease()
            }
            #expect(try await test.memory() - before < 4_000_000)
            let deadLetters = try await deliveries.deadLetters(of: queue, limit: 1000).deadLetters
            #expect(deadLetters.count == 200 && deadLetters.allSatisfy { $0.hasBody })
            for subscription in subscriptions.dropLast() {
                try await deliveries.discardDeadLetter(of: queue, subscription: subscription, position: id.position)
            }
            let last = try #require(subscriptions.last)
            let kept = try await deliveries.deadLetter(of: queue, subscription: last, position: id.position)
            #expect(kept?.content.body.count == 250_000)
            let (outcomes, _) = try await deliveries.redrive(
                [(last, id.position)], of: queue, confirmedOnly: [])
            #expect(outcomes == [.enqueued])
            #expect(try await test.shardKeys().filter { $0.hasPrefix("dead-letter") } == [])
            let again = try await test.lease()
            #expect(again.map { $0.body.count } == [250_000])
        }
    }

    @Test func `Dead letters are bounded in number and bytes, of a queue and of a project, and the oldest go first`()
        async throws
    {
        let limits = DeliveryLimits(queueDeadLetters: 20, queueDeadLetterBytes: 50_000, projectDeadLetterBytes: 80_000)
        try await withTestStore(shards: 1, limits: limits) { test in
            let deliveries = test.store.deliveries
            let queues = [try address("p", "a"), try address("p", "b"), try address("other", "c")]
            for queue in queues { try await test.subscribe(to: queue) }
            func endAsDeadLetters(_ count: Int, bytes: Int, in queue: QueueAddress) async throws -> Int {
                var dropped = 0
                for _ in 0..<count {
                    try await test.post([String(repeating: "x", count: bytes)], to: queue)
                    let leases = try await test.take().leases
                    dropped += try await deliveries.settle(
                        0, leases.map { Settlement($0, .deadLetter(.expired, summary: "")) }
                    ).droppedDeadLetters
                    test.time.pass(milliseconds: 10)
                }
                return dropped
            }
            func deadLetters(_ queue: QueueAddress) async throws -> Int {
                try await deliveries.deadLetters(of: queue, limit: 100).deadLetters.count
            }
            #expect(try await endAsDeadLetters(5, bytes: 100, in: queues[2]) == 0)
            #expect(try await endAsDeadLetters(25, bytes: 100, in: queues[0]) == 5)
            #expect(try await deadLetters(queues[0]) == 20)
            #expect(try await endAsDeadLetters(6, bytes: 9_000, in: queues[0]) > 0)
            #expect(try await deadLetters(queues[0]) == 5, "of 9 kB each")
            #expect(try await endAsDeadLetters(5, bytes: 9_000, in: queues[1]) > 0)
            #expect(try await deadLetters(queues[0]) == 3, "the oldest of the project")
            #expect(try await deadLetters(queues[1]) == 5)
            #expect(try await deadLetters(queues[2]) == 5, "another project loses none")
        }
    }

    // MARK: - Waiting

    @Test func `What waits for a paused subscription ends with its message, and frees its payload`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let subscription = try await test.subscribe(to: queue)
            #expect(try await deliveries.pause(queue, subscription: subscription))
            let long = try await test.post(["long"], to: queue, ttl: 3600)
            var short: [MessageID] = []
            for _ in 0..<10 { short += try await test.post((0..<100).map { "\($0)" }, to: queue, ttl: 60) }
            while try await test.take().more {}
            test.time.pass(seconds: 59)
            try await test.sweepAll()
            #expect(try await deliveries.health(of: queue, subscription: subscription)?.backlog == 1001)
            // A pass over all that waits may just have begun before the end.
            test.time.pass(seconds: 3)
            var expired = 0
            while true {
                let swept = try await deliveries.sweep(0)
                expired += swept.expired
                if !swept.more { break }
            }
            #expect(expired == 1000)
            let health = try #require(try await deliveries.health(of: queue, subscription: subscription))
            #expect(health.backlog == 1 && health.expired == 1000)
            let status = try await deliveries.statuses(of: short[0].position, in: queue, after: nil, limit: 1).first
            guard case .dead(let deadLetter) = status?.stage else {
                Issue.record("explained as \(String(describing: status?.stage))")
                return
            }
            #expect(deadLetter.reason == .expired && !deadLetter.hasBody && deadLetter.attempts == 0)
            let (outcomes, _) = try await deliveries.redrive(
                [(subscription, short[0].position)], of: queue, confirmedOnly: [])
            #expect(outcomes == [.empty])
            let content = try await deliveries.deadLetter(
                of: queue, subscription: subscription, position: short[0].position)
            #expect(content?.content.body.isEmpty == true)
            #expect(try await deliveries.resume(queue, subscription: subscription))
            #expect(try await test.lease().map(\.position) == long.map(\.position))
        }
    }

    @Test func `A retry ends with its message, also when what waited before it lives longer`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let subscription = try await test.subscribe(to: queue)
            func fail(ttl: Int) async throws {
                try await test.post(["x"], to: queue, ttl: ttl)
                #expect(try await test.settle(try await test.take().leases, .retry(after: .seconds(30))) == [true])
            }
            try await fail(ttl: 1_000_000)
            test.time.pass(seconds: 20)
            try await test.sweepAll()
            // This one never waited when it was fanned out: the sweep has not met it.
            try await fail(ttl: 60)
            #expect(try await deliveries.pause(queue, subscription: subscription))
            test.time.pass(seconds: 11)
            try await test.sweepAll()
            test.time.pass(seconds: 61)
            try await test.sweepAll()
            let health = try #require(try await deliveries.health(of: queue, subscription: subscription))
            #expect(health.backlog == 1 && health.expired == 1)
        }
    }

    @Test func `Of a subscription, and of a project, only so many deliveries wait; a new one ends as overflow`()
        async throws
    {
        try await withTestStore(shards: 1, limits: DeliveryLimits(subscriptionWaiting: 10, projectWaiting: 15)) {
            test in
            let deliveries = test.store.deliveries
            let (queue, other, foreign) = (
                try address("p", "q"), try address("p", "other"), try address("r", "foreign")
            )
            for queue in [queue, other, foreign] {
                let id = try await test.subscribe(to: queue)
                #expect(try await deliveries.pause(queue, subscription: id))
            }
            func flood(_ queue: QueueAddress) async throws -> Int {
                try await test.post((0..<30).map { "\($0)" }, to: queue)
                return try await test.take().overflowed
            }
            #expect(try await flood(queue) == 20)
            #expect(try await flood(other) == 25)
            #expect(try await flood(foreign) == 20)
            let deadLetters = try await deliveries.deadLetters(of: queue, limit: 100).deadLetters
            #expect(deadLetters.count == 20 && deadLetters.allSatisfy { $0.reason == .overflow && !$0.hasBody })
        }
    }

    // MARK: - Redis

    @Test(arguments: StorageBackend.servers)
    func `At the memory limit deliveries go on, and dead letters are kept without their bodies`(backend: StorageBackend)
        async throws
    {
        try await backend.withServers(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let subscription = try await test.subscribe(to: queue)
            try await test.post((0..<20).map { "\($0)" }, to: queue)
            let leases = try await test.take().leases
            try await test.post(["last"], to: queue)
            try await test.configure("maxmemory", "1")
            await #expect(throws: (any Error).self) { try await test.post(["refused"], to: queue) }
            #expect(try await test.settle(Array(leases.prefix(2)), .delivered) == [true, true])
            #expect(try await test.settle([leases[2]], .retry(after: .zero)) == [true])
            #expect(try await test.settle([leases[3]], .deadLetter(.refused, summary: "")) == [true])
            #expect(try await deliveries.renew(0, [leases[4].token], lease: .seconds(20)).first != nil)
            #expect(try await test.settle(Array(leases.dropFirst(5)), .delivered).allSatisfy { $0 })
            #expect(try await deliveries.pause(queue, subscription: subscription))
            #expect(try await deliveries.resume(queue, subscription: subscription))
            #expect(try await !test.take().more)
            #expect(try await test.lease().isEmpty == false)
            test.time.pass(seconds: 30)
            while try await deliveries.reap(0).lapsed > 0 {}
            let suspects = try await test.lease()
            #expect(try await deliveries.begin(0, suspects.map(\.token)).allSatisfy { $0 })
            test.time.pass(seconds: 4_000)
            while try await deliveries.reap(0).lapsed > 0 {}
            test.time.pass(seconds: 60)
            try await test.sweepAll()
            let deadLetters = try await deliveries.deadLetters(of: queue, limit: 100).deadLetters
            #expect(deadLetters.contains { $0.reason == .refused && !$0.hasBody })
            #expect(try await deliveries.health(of: queue, subscription: subscription)?.backlog == 0)
        }
    }

    @Test(arguments: StorageBackend.servers)
    func `At the memory limit no page of deliveries is made that would only wait`(backend: StorageBackend) async throws
    {
        try await backend.withServers(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "paused"), test.store.deliveries)
            for subscription in try await test.subscribe(many: 300, to: queue) {
                #expect(try await deliveries.pause(queue, subscription: subscription))
            }
            let other = try address("p", "other")
            try await test.subscribe(to: other)
            try await test.post(["waits"], to: queue)
            try await test.post(["starts"], to: other)
            try await test.configure("maxmemory", "1")
            var leases: [Lease] = []
            for _ in 0..<4 { leases += try await test.take().leases }
            #expect(leases.map { String(decoding: $0.body, as: UTF8.self) } == ["starts"])
            #expect(try await !test.take().more, "nothing is gained by asking again")
            #expect(try await test.shardKeys().filter { $0.hasPrefix("due:") } == [])
            #expect(try await test.settle(leases, .delivered) == [true])
            try await test.configure("maxmemory", "0")
            while try await test.take().more {}
            #expect(try await test.shardKeys().filter { $0.hasPrefix("due:") }.count == 300)
        }
    }

    @Test func `A wide event is read alone, however many wait behind it`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(many: 500, to: queue)
            for _ in 0..<16 { try await test.post([String(repeating: "x", count: 100_000)], to: queue) }
            for _ in 0..<5 {
                let commands = try await test.commands { _ = try await test.take(page: 100) }
                #expect(commands["lrange"] == nil && commands["lindex"] == 1)
            }
        }
    }

    @Test func `What becomes ordered is brought in line 500 at a time, of all subscriptions together`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let subscriptions = try await test.subscribe(many: 8, to: queue)
            for subscription in subscriptions {
                #expect(try await deliveries.pause(queue, subscription: subscription))
            }
            for _ in 0..<3 { try await test.post((0..<100).map { "\($0)" }, to: queue) }
            while try await test.take().more {}
            let change = SubscriptionChange(options: Array("{}".utf8), pace: Pace(isOrdered: true))
            for subscription in subscriptions {
                let updated = try await test.store.subscriptions.update(
                    queue, id: subscription, change, resettingConfirmation: false)
                #expect(updated == .updated)
                #expect(try await deliveries.resume(queue, subscription: subscription))
            }
            func lined() async throws -> Int {
                var lined = 0
                for subscription in subscriptions {
                    lined +=
                        try await test.redis.command("ZCOUNT", test.key("due:\(subscription.text)"), "0", "0").int
                        ?? 0
                }
                return lined
            }
            let first = try await test.lease()
            let inLine = try await lined()
            #expect(inLine + first.count == 500)
            var leases = first
            for _ in 0..<4 { leases += try await test.lease() }
            // One of each is out, the first.
            #expect(leases.count == 8 && Set(leases.map(\.position)).count == 1)
        }
    }

    @Test func `A pacing that no script wrote stops its subscription, and not its shard`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, other) = (try address("p", "q"), try address("p", "other"))
            let subscription = try await test.subscribe(to: queue)
            try await test.subscribe(to: other)
            for words in ["-1 8", "", "x"] {
                _ = try await test.redis.command("HSET", test.key("pacing"), subscription.text, words)
                for queue in [queue, other] { try await test.post([words], to: queue) }
                let leases = try await test.take().leases
                #expect(leases.map(\.queue) == [other])
                #expect(try await test.settle(leases, .delivered) == [true])
                #expect(try await test.redis.command("HGET", test.key("pacing"), subscription.text).text == words)
            }
        }
    }

    @Test func `One call of each script does a bounded number of commands`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let subscriptions = try await test.subscribe(many: 400, to: queue)
            for _ in 0..<3 { try await test.post((0..<100).map { "\($0)" }, to: queue, ttl: 60) }
            func count(_ body: () async throws -> Void) async throws -> Int {
                try await test.commands(body).values.reduce(0, +)
            }
            #expect(try await count { _ = try await test.take() } < 1_500)
            while try await test.take().more {}
            #expect(try await count { _ = try await test.lease() } < 3_000)
            test.time.pass(seconds: 15)
            #expect(try await count { _ = try await deliveries.reap(0) } < 100 * 14)
            for subscription in subscriptions.prefix(100) {
                try await test.store.subscriptions.delete(queue, id: subscription)
            }
            #expect(try await count { _ = try await deliveries.sweep(0) } < 3_000)
            test.time.pass(seconds: 60)
            #expect(try await count { _ = try await deliveries.sweep(0) } < 6_000)
        }
    }
}
