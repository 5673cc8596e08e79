import Domain
import Redis
import Store
import TestKit
import Testing

/// What one project, queue or endpoint does must not hold up or fill the store for the others.
struct StoreNeighbourTests {
    // MARK: - Fan-out

    @Test(arguments: StorageBackend.servers)
    func `A wide queue with any number of waiting events holds no other queue up`(backend: StorageBackend) async throws
    {
        try await backend.withServers(shards: 1) { test in
            let (wide, quiet) = (try address("flood", "wide"), try address("quiet", "q"))
            try await test.subscribe(many: 500, to: wide)
            let subscription = try await test.subscribe(to: quiet)
            for number in 0..<120 { try await test.post(["\(number)"], to: wide) }
            for round in 0..<5 {
                let posted = try await test.post(["quiet \(round)"], to: quiet)
                var found = false
                for _ in 0..<2 {
                    let taken = try await test.take()
                    found = found || taken.leases.contains { $0.position == posted[0].position }
                }
                #expect(found, "within two calls, whatever waits")
                _ = try await test.store.deliveries.settle(
                    0, try await test.quietLeases(subscription).map { Settlement($0, .delivered) })
            }
        }
    }

    @Test(arguments: StorageBackend.servers)
    func `A queue of a project is fanned out beside many others of it, and a project beside many others`(
        backend: StorageBackend
    )
        async throws
    {
        try await backend.withServers(shards: 1) { test in
            for number in 0..<40 {
                let queue = try address("p\(number % 4)", "q\(number)")
                try await test.subscribe(many: 60, to: queue)
                for message in 0..<3 { try await test.post(["\(message)"], to: queue) }
            }
            var calls = 0
            var seen: [String: [String]] = [:]
            while true {
                let taken = try await test.take(capacity: 1000)
                for lease in taken.leases {
                    seen[lease.queue.name.text, default: []].append(String(decoding: lease.body, as: UTF8.self))
                }
                _ = try await test.store.deliveries.settle(
                    0, taken.leases.prefix(500).map { Settlement($0, .delivered) })
                calls += 1
                if calls == 20 { #expect(seen.count == 40, "every queue had its turn") }
                if !taken.more { break }
            }
            #expect(seen.values.allSatisfy { $0 == $0.sorted() }, "events of a queue go in their order")
        }
    }

    @Test func `The cost of a take does not depend on what waits`() async throws {
        try await withTestStore(shards: 1) { test in
            let wide = try address("flood", "wide")
            try await test.subscribe(many: 1_000, to: wide)
            try await test.post(["1"], to: wide)
            let few = try await test.commands { _ = try await test.take() }
            for number in 0..<300 { try await test.post(["\(number)"], to: wide) }
            let many = try await test.commands { _ = try await test.take() }
            #expect(many.values.reduce(0, +) <= few.values.reduce(0, +) + 400, "\(few) \(many)")
            #expect(many.values.reduce(0, +) < 1_000)
            #expect(try await test.store.deliveries.status(of: [0]).first?.events == 301)
        }
    }

    // MARK: - Shares

    @Test func `A project without allowance is stepped over, and still fanned out`() async throws {
        try await withTestStore(shards: 1) { test in
            let deliveries = test.store.deliveries
            let (full, free) = (try address("full", "q"), try address("free", "q"))
            for queue in [full, free] { try await test.subscribe(many: 20, to: queue) }
            for queue in [full, free] { try await test.post(["1"], to: queue) }
            var allowance = LeaseAllowance(capacity: 100, projectMax: 5, projects: [full.project: 0])
            let taken = try await deliveries.take(0, allowance: allowance, lease: .seconds(15), confirmedOnly: false)
            #expect(taken.leases.allSatisfy { $0.queue == free } && taken.leases.count == 5)
            #expect(try await deliveries.status(of: [0]).first?.events == 0)
            var leased = try await deliveries.lease(0, allowance: allowance, lease: .seconds(15))
            #expect(leased.leases.allSatisfy { $0.queue == free } && leased.leases.count == 5)
            #expect(leased.more)
            allowance.projects[free.project] = 0
            leased = try await deliveries.lease(0, allowance: allowance, lease: .seconds(15))
            #expect(leased.leases.isEmpty && !leased.more && leased.nextDue == nil)
            allowance.projects = [:]
            leased = try await deliveries.lease(0, allowance: allowance, lease: .seconds(15))
            #expect(leased.leases.count == 10)
        }
    }

    @Test func `The events of paced projects stay, and those of projects behind them are fanned out`() async throws {
        try await withTestStore(shards: 1) { test in
            let deliveries = test.store.deliveries
            let paced = try (0..<40).map { try address("a\($0)", "q") }
            let other = try address("z", "q")
            for queue in paced + [other] {
                try await test.subscribe(many: 2, to: queue)
                try await test.post(["1"], to: queue)
            }
            let names = Set(paced.map(\.project))
            let allowance = LeaseAllowance(
                capacity: 100, projects: Dictionary(uniqueKeysWithValues: names.map { ($0, 0) }), paced: names)
            var taken = try await deliveries.take(0, allowance: allowance, lease: .seconds(15), confirmedOnly: false)
            #expect(taken.leases.map(\.queue) == [other, other] && taken.isPaced && !taken.more)
            #expect(try await deliveries.status(of: [0]).first?.events == 16, "no more are counted")
            #expect(try await deliveries.lease(0, allowance: allowance, lease: .seconds(15)).leases.isEmpty)
            var leases: [Lease] = []
            repeat {
                taken = try await deliveries.take(
                    0, allowance: LeaseAllowance(capacity: 100), lease: .seconds(15), confirmedOnly: false)
                leases += taken.leases
                #expect(!taken.isPaced)
            } while taken.more
            #expect(Set(leases.map(\.queue)) == Set(paced) && leases.count == 80)
        }
    }

    @Test(arguments: [(16, 16, true), (40, 40, true), (15, 100, false)])
    func `Of a project that may have more than a few, a call fans out no more than it leases`(
        most: Int, fannedOut: Int, more: Bool
    ) async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            try await test.subscribe(many: 100, to: queue)
            try await test.post(["1"], to: queue)
            let taken = try await deliveries.take(
                0, allowance: LeaseAllowance(capacity: 64, projects: [queue.project: most]), lease: .seconds(15),
                confirmedOnly: false)
            #expect(taken.leases.count == most && taken.more == more)
            var waited = 0
            while case let leases = try await test.lease(), !leases.isEmpty { waited += leases.count }
            #expect(most + waited == fannedOut)
            let rest = try await test.take()
            #expect(most + waited + rest.leases.count == 100)
        }
    }

    @Test func `Due projects are found behind any number that may have no more`() async throws {
        try await withTestStore(shards: 1) { test in
            var names: [ProjectID: Int] = [:]
            for number in 0..<200 {
                let queue = try address("a\(number)", "q")
                names[queue.project] = 0
                try await test.subscribe(to: queue)
                try await test.post(["1"], to: queue)
            }
            let last = try address("z", "q")
            try await test.subscribe(to: last)
            try await test.post(["1"], to: last)
            while try await test.take(capacity: 0).more {}
            let leased = try await test.store.deliveries.lease(
                0, allowance: LeaseAllowance(capacity: 10, projects: names), lease: .seconds(15))
            #expect(leased.leases.map(\.queue) == [last])
        }
    }

    @Test(arguments: StorageBackend.servers)
    func `A parked subscription is not looked at before its time, or until it is woken`(backend: StorageBackend)
        async throws
    {
        try await backend.withServers(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let subscription = try await test.subscribe(to: queue)
            try await test.post(["1", "2"], to: queue)
            let leases = try await test.take().leases
            #expect(try await test.settle(leases, .parked(.seconds(60))) == [true, true])
            try await test.post(["3"], to: queue)
            #expect(try await test.take().leases.isEmpty)
            test.time.pass(seconds: 59)
            #expect(try await test.lease().isEmpty)
            let statuses = try await deliveries.statuses(of: leases[0].position, in: queue, after: nil, limit: 1)
            #expect(statuses.map(\.stage) == [.waiting(.host, until: test.time.now.adding(seconds: 1))])
            #expect(try await deliveries.wake(0, [subscription]) == 1)
            let again = try await test.lease()
            #expect(again.map(\.attempt) == [1, 1, 1])
            #expect(try await test.settle(again, .parked(.seconds(60))).allSatisfy { $0 })
            #expect(try await deliveries.wake(0, [subscription]) == 1)
            let last = try await test.lease()
            #expect(last.count == 3)
            #expect(try await deliveries.wake(0, [subscription]) == 0)
            #expect(try await test.settle(last, .delivered).allSatisfy { $0 })
            // One that a session of its name wakes is not held back by the failures of the session before.
            try await test.post(["4", "5", "6"], to: queue)
            // What fails halves the window: one attempt at a time, in the end.
            for _ in 0..<60 {
                let failing = try await test.take().leases + test.lease()
                _ = try await test.settle(failing, .retry(after: .zero))
            }
            #expect(try await deliveries.health(of: queue, subscription: subscription)?.probeAt != nil)
            try await deliveries.wake(queue, subscription: subscription)
            #expect(try await deliveries.health(of: queue, subscription: subscription)?.probeAt == nil)
        }
    }

    @Test(arguments: [61, 75, 3600])
    func `However long a subscription is to be parked, it is probed in a minute, and not before`(seconds: Int)
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue)
            try await test.post(["1", "2"], to: queue)
            for _ in 0..<3 {
                let leases = try await test.take().leases + test.lease()
                #expect(try await test.settle(leases, .parked(.seconds(seconds))).allSatisfy { $0 } && !leases.isEmpty)
                #expect(try await test.lease().isEmpty)
                test.time.pass(seconds: 59)
                #expect(try await test.lease().isEmpty)
                test.time.pass(seconds: 1)
            }
        }
    }

    @Test func `What was parked is probed with one delivery, until one is answered or it is woken`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let subscription = try await test.subscribe(to: queue)
            let posted = try await test.post((0..<6).map { "\($0)" }, to: queue)
            #expect(try await test.settle(try await test.take().leases, .parked(.seconds(60))).count == 6)
            for _ in 0..<2 {
                test.time.pass(seconds: 60)
                let probe = try await test.lease()
                #expect(probe.count == 1)
                #expect(try await test.lease().isEmpty, "while it is out no other is tried")
                let statuses = try await deliveries.statuses(of: posted[5].position, in: queue, after: nil, limit: 1)
                #expect(statuses.map(\.stage) == [.waiting(.host, until: test.time.now)])
                #expect(try await test.settle(probe, .parked(.seconds(60))) == [true])
                #expect(try await test.lease().isEmpty)
            }
            test.time.pass(seconds: 60)
            try await test.post(["6"], to: queue)
            #expect(try await test.take().leases.isEmpty, "what came later waits its turn")
            let probe = try await test.lease()
            #expect(probe.count == 1)
            #expect(try await test.settle(probe, .delivered) == [true])
            let rest = try await test.lease()
            #expect(rest.count == 6)
            #expect(try await test.settle(rest, .parked(.seconds(60))).count == 6)
            #expect(try await deliveries.wake(0, [subscription]) == 1)
            #expect(try await test.lease().count == 6)
        }
    }

    // MARK: - Suspects

    @Test(arguments: StorageBackend.servers)
    func `What shared a batch with a poison is never quarantined for it`(backend: StorageBackend) async throws {
        try await backend.withServers(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            try await test.subscribe(many: 8, to: queue)
            let poison = try await test.subscribe("http://poison/", to: queue)
            try await test.post(["1"], to: queue)
            var crashes = 0
            var delivered: Set<SubscriptionID> = []
            for _ in 0..<60 where delivered.count < 8 || crashes < 4 {
                let leases = try await test.take().leases + test.lease()
                let alone = leases.first { $0.suspicion == 3 }
                let started = alone.map { [$0] } ?? leases
                let suspects = started.filter { $0.suspicion > 0 }
                _ = try await deliveries.begin(0, suspects.map(\.token))
                if started.contains(where: { $0.subscription == poison }) {
                    crashes += 1
                } else {
                    _ = try await test.settle(started, .delivered)
                    delivered.formUnion(started.map(\.subscription))
                }
                test.time.pass(seconds: 15)
                _ = try await deliveries.reap(0)
            }
            let deadLetters = try await deliveries.deadLetters(of: queue, limit: 100).deadLetters
            #expect(deadLetters.map(\.subscription) == [poison] && deadLetters.first?.reason == .quarantined)
            #expect(delivered.count == 8)
        }
    }

    @Test func `Lost replies and leases that were never begun quarantine nothing, and an answer ends suspicion`()
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            try await test.subscribe(to: queue)
            try await test.post(["1"], to: queue)
            for lapse in 0..<12 {
                let leases = try await test.take().leases + test.lease()
                #expect(leases.map(\.suspicion) == [min(lapse, 1)])
                test.time.pass(seconds: 15)
                #expect(try await deliveries.reap(0).quarantined == 0)
            }
            let suspects = try await test.lease()
            #expect(try await test.settle(suspects, .handedBack) == [true])
            let again = try await test.lease()
            #expect(again.map(\.suspicion) == [1], "untried says nothing")
            #expect(try await test.settle(again, .retry(after: .zero)) == [true])
            let answered = try await test.lease()
            #expect(answered.map(\.suspicion) == [0])
            #expect(try await test.settle(answered, .delivered) == [true])
            #expect(
                try await test.shardKeys().filter { ["begun-attempts", "turns", "waiting-counts"].contains($0) }
                    .isEmpty)
        }
    }

    @Test func `The lapse of a suspect that had not begun is no attempt and no failure`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let subscription = try await test.subscribe(to: queue)
            let position = try await test.post(["1"], to: queue)[0].position
            _ = try await test.take()
            func lapse() async throws {
                test.time.pass(seconds: 15)
                #expect(try await deliveries.reap(0).lapsed == 1)
            }
            try await lapse()
            var earlier: [Lease] = []
            for _ in 0..<5 {
                #expect(try await test.settle(earlier, .delivered).allSatisfy { !$0 }, "of a lease before")
                let leases = try await test.lease()
                #expect(leases.map(\.attempt) == [2] && leases.map(\.suspicion) == [1])
                #expect(
                    try await deliveries.statuses(of: position, in: queue, after: nil, limit: 1).first?.attempt == 2)
                earlier = leases
                try await lapse()
            }
            #expect(try await deliveries.attempts(of: queue, subscription: subscription)?.attempts.count == 1)
            let begun = try await test.lease()
            #expect(try await deliveries.begin(0, begun.map(\.token)) == [true])
            try await lapse()
            let last = try await test.lease()
            #expect(last.map(\.attempt) == [3] && last.map(\.suspicion) == [2])
            #expect(try await deliveries.attempts(of: queue, subscription: subscription)?.attempts.count == 2)
            #expect(try await test.settle(last, .delivered) == [true])
            #expect(
                try await test.shardKeys().filter { ["turns", "payloads", "leases", "begun-attempts"].contains($0) }
                    .isEmpty)
        }
    }

    @Test func `A delivery is explained at any number of attempts and lapses`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            try await test.subscribe(to: queue)
            let position = try await test.post(["1"], to: queue, ttl: 1_000_000)[0].position
            func status() async throws -> DeliveryStatus? {
                try await deliveries.statuses(of: position, in: queue, after: nil, limit: 1).first
            }
            var leases = try await test.take().leases
            for attempt in 1...300 {
                if attempt % 3 == 0 {
                    test.time.pass(seconds: 15)
                    _ = try await deliveries.reap(0)
                } else {
                    _ = try await test.settle(leases, .retry(after: .zero))
                }
                let waiting = try #require(try await status())
                #expect(waiting.attempt == attempt + 1)
                guard case .waiting = waiting.stage else {
                    Issue.record("not waiting but \(waiting.stage)")
                    return
                }
                leases = try await test.lease()
                #expect(try await status()?.attempt == attempt + 1)
            }
            #expect(try await test.settle(leases, .delivered) == [true])
            #expect(
                try await test.shardKeys().filter { ["begun-attempts", "turns", "payloads"].contains($0) }.isEmpty)
        }
    }

    @Test func `A success that comes after a 410 enables nothing`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let subscription = try await test.subscribe(to: queue)
            try await test.post(["1", "2", "3"], to: queue)
            let leases = try await test.take().leases
            _ = try await test.settle([leases[0]], .deadLetter(.refused, summary: "refused 410", disabling: true))
            _ = try await test.settle([leases[1]], .delivered)
            #expect(try await deliveries.health(of: queue, subscription: subscription)?.disabledSince != nil)
            #expect(try await deliveries.resume(queue, subscription: subscription))
            #expect(try await deliveries.health(of: queue, subscription: subscription)?.disabledSince == nil)
        }
    }
}

extension TestStore {
    /// Leases of one subscription, all others handed back.
    fileprivate func quietLeases(_ subscription: SubscriptionID) async throws -> [Lease] {
        let leases = try await self.lease(capacity: 100)
        for start in stride(from: 0, to: leases.count, by: 500) {
            _ = try await self.settle(
                leases[start..<min(start + 500, leases.count)].filter { $0.subscription != subscription }, .handedBack)
        }
        return leases.filter { $0.subscription == subscription }
    }
}
