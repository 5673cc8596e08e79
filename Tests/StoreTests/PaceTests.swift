import Domain
import Store
import TestKit
import Testing

struct PaceTests {
    private func bodies(_ leases: [Lease]) -> [String] { leases.map { String(decoding: $0.body, as: UTF8.self) } }

    @Test func `An ordered subscription has one message under way, and one that fails holds the others`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue, pace: Pace(isOrdered: true))
            try await test.post(["1", "2", "3"], to: queue)
            let first = try await test.take().leases
            #expect(self.bodies(first) == ["1"])
            try await test.post(["4"], to: queue)
            #expect(try await (test.take().leases + test.lease()).isEmpty)
            #expect(try await test.settle(first, .retry(after: .seconds(5))) == [true])
            test.time.pass(milliseconds: 4_999)
            try await test.post(["5"], to: queue)
            #expect(try await (test.take().leases + test.lease()).isEmpty, "held by the one that waits")
            let health = try await test.store.deliveries.health(of: queue, subscription: id)
            #expect(health?.backlog == 5 && health?.oldestDue == test.time.now.adding(milliseconds: 1))
            test.time.pass(milliseconds: 1)
            let second = try await test.lease()
            #expect(self.bodies(second) == ["1"] && second.first?.attempt == 2)
            #expect(try await test.settle(second, .deadLetter(.refused, summary: "refused 404")) == [true])
            for body in ["2", "3", "4", "5"] {
                let next = try await test.lease()
                #expect(self.bodies(next) == [body])
                #expect(try await test.settle(next, .delivered) == [true])
            }
        }
    }

    @Test func `A subscription that becomes ordered goes on by position, and its retries are not early`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue)
            try await test.post(["1", "2", "3"], to: queue)
            let leases = try await test.take().leases
            #expect(try await test.settle([leases[0]], .retry(after: .seconds(9))) == [true])
            #expect(try await test.settle([leases[1]], .retry(after: .seconds(4))) == [true])
            let change = SubscriptionChange(options: Array("{}".utf8), pace: Pace(isOrdered: true))
            let subscriptions = test.store.subscriptions
            #expect(
                try await subscriptions.update(queue, id: id, change, resettingConfirmation: false) == .updated)
            test.time.pass(seconds: 4)
            #expect(try await test.lease().isEmpty, "one is out")
            #expect(try await test.settle([leases[2]], .handedBack) == [true])
            #expect(try await test.lease().isEmpty, "the oldest waits")
            test.time.pass(seconds: 5)
            for body in ["1", "2", "3"] {
                let next = try await test.lease()
                #expect(self.bodies(next) == [body])
                #expect(try await test.settle(next, .delivered) == [true])
            }
            // A change of something else keeps the pace; other options replace it.
            let later = SubscriptionChange(ttl: 600)
            #expect(try await subscriptions.update(queue, id: id, later, resettingConfirmation: false) == .updated)
            try await test.post(["4", "5", "6"], to: queue)
            let next = try await test.take().leases
            #expect(self.bodies(next) == ["4"])
            let none = SubscriptionChange(options: Array("{}".utf8), pace: Pace())
            #expect(try await subscriptions.update(queue, id: id, none, resettingConfirmation: false) == .updated)
            #expect(try await test.settle(next, .delivered) == [true])
            #expect(self.bodies(try await test.lease()) == ["5", "6"])
        }
    }

    @Test(arguments: [1, 3, 20, 64])
    func `A limit holds in every second, wherever it begins, and is reached`(limit: Int) async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue, pace: Pace(maxPerSecond: limit))
            try await test.post((0..<limit * 4).map { "\($0)" }, to: queue)
            var starts: [Int64] = []
            var sent: [String] = []
            for _ in 0..<200_000 where sent.count < limit * 4 {
                let taken = try await test.take(capacity: 50).leases
                let leased = try await test.store.deliveries.lease(
                    0, allowance: LeaseAllowance(capacity: 50), lease: .seconds(15))
                let leases = taken + leased.leases
                sent += self.bodies(leases)
                starts += leases.map { _ in test.time.now.milliseconds }
                #expect(try await test.settle(leases, .delivered).allSatisfy { $0 })
                // Nothing is due before the store says, and something is then.
                guard let next = leased.nextDue, sent.count < limit * 4 else { continue }
                #expect(leases.isEmpty || next >= test.time.now)
                test.time.pass(milliseconds: max(1, Int(next.milliseconds - test.time.now.milliseconds)))
            }
            #expect(sent == (0..<limit * 4).map { "\($0)" })
            for (index, start) in starts.enumerated() where index >= limit {
                #expect(start - starts[index - limit] >= 1000)
            }
            let took = (starts.last ?? 0) - (starts.first ?? 0)
            #expect(took <= 4_300, "four seconds' worth, at 95 % and more of the limit")
        }
    }

    @Test(arguments: [1, 3, 20])
    func `A subscription has no more attempts under way than it says, and each that ends lets another begin`(most: Int)
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue, pace: Pace(inFlightMax: most))
            try await test.post((0..<most + 30).map { "\($0)" }, to: queue)
            var out = try await test.take(capacity: 100).leases
            // The window grows to it with what succeeds.
            for _ in 0..<most {
                #expect(out.count <= most)
                #expect(try await test.settle([out.removeFirst()], .delivered).allSatisfy { $0 })
                out += try await test.store.deliveries.lease(
                    0, allowance: LeaseAllowance(capacity: 100), lease: .seconds(15)
                ).leases
            }
            #expect(out.count == most)
            // What it says now counts for what starts from now on.
            let change = SubscriptionChange(options: Array("{}".utf8), pace: Pace(inFlightMax: 1))
            _ = try await test.store.subscriptions.update(queue, id: id, change, resettingConfirmation: false)
            #expect(try await test.settle(out, .delivered).allSatisfy { $0 })
            let last = try await test.store.deliveries.lease(
                0, allowance: LeaseAllowance(capacity: 100), lease: .seconds(15))
            #expect(last.leases.count == 1)
        }
    }

    @Test func `Nothing starts while a subscription is paused, and its backlog is drained at the window`() async throws
    {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let id = try await test.subscribe(to: queue)
            try await test.post(["1", "2"], to: queue)
            let out = try await test.take().leases
            #expect(try await deliveries.pause(queue, subscription: id))
            let since = test.time.now
            try await test.post((0..<20).map { "\($0)" }, to: queue)
            #expect(try await test.take().leases.isEmpty)
            #expect(try await test.settle([out[0]], .retry(after: .zero)) == [true])
            #expect(try await test.settle([out[1]], .delivered) == [true])
            test.time.pass(seconds: 1)
            #expect(try await deliveries.pause(queue, subscription: id), "again is fine")
            test.time.pass(seconds: 5000)
            #expect(try await test.lease().isEmpty)
            let health = try #require(try await deliveries.health(of: queue, subscription: id))
            #expect(health.pausedSince == since && health.backlog == 21 && health.inFlight == 0)
            #expect(health.oldestDue == since)
            #expect(try await deliveries.resume(queue, subscription: id))
            #expect(try await test.lease().count == 5, "the window: one failure halved it, one success opened it")
            #expect(try await deliveries.health(of: queue, subscription: id)?.pausedSince == nil)
            let other = try address("p", "other")
            #expect(try await deliveries.pause(other, subscription: id) == false)
            #expect(try await deliveries.resume(other, subscription: id) == false)
            #expect(try await deliveries.health(of: other, subscription: id) == nil)
        }
    }

    /// Fails attempts until so many have; returns how many deliveries they were of.
    private func fail(_ test: TestStore, _ count: Int) async throws -> Int {
        var (failed, positions) = (0, Set<Position>())
        while failed < count {
            let leases = try await test.take().leases + test.lease(capacity: count - failed)
            try #require(!leases.isEmpty)
            #expect(try await test.settle(leases, .retry(after: .zero)).allSatisfy { $0 })
            failed += leases.count
            positions.formUnion(leases.map(\.position))
        }
        return positions.count
    }

    @Test func `Twenty failures in a row of three deliveries open the breaker, and a success closes it`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let id = try await test.subscribe(to: queue)
            try await test.post(["1", "2", "3"], to: queue)
            let since = test.time.now
            #expect(try await self.fail(test, 20) == 3)
            var health = try #require(try await deliveries.health(of: queue, subscription: id))
            #expect(health.failures?.count == 20 && health.failures?.since == since && health.window == 1)
            #expect(health.probeAt == test.time.now.adding(seconds: 5))
            // It only delays, and lets one probe through after the other, each failure doubling the wait up to a minute.
            for wait in [5, 10, 20, 40, 60, 60] {
                test.time.pass(milliseconds: wait * 1000 - 1)
                #expect(try await test.lease().isEmpty)
                test.time.pass(milliseconds: 1)
                let probe = try await test.lease()
                #expect(probe.count == 1)
                #expect(try await test.lease().isEmpty)
                #expect(try await test.settle(probe, .retry(after: .zero)) == [true])
            }
            test.time.pass(seconds: 60)
            #expect(try await test.settle(try await test.lease(), .delivered) == [true])
            health = try #require(try await deliveries.health(of: queue, subscription: id))
            #expect(health.failures == nil && health.probeAt == nil)
            #expect(try await test.lease().count == 2)
        }
    }

    @Test func `The attempts of one or two deliveries never open the breaker`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let id = try await test.subscribe(to: queue)
            try await test.post(["1", "2"], to: queue)
            #expect(try await self.fail(test, 60) == 2)
            let health = try await deliveries.health(of: queue, subscription: id)
            #expect(health?.failures?.count == 60 && health?.probeAt == nil)
            // What the test cannot do, or the message's end, is no failure of the subscriber's.
            try await test.post(["3"], to: queue)
            let leases = try await test.take().leases + test.lease()
            #expect(try await test.settle(leases, .deadLetter(.expired, summary: "")).allSatisfy { $0 })
            #expect(try await deliveries.health(of: queue, subscription: id)?.failures?.count == 60)
        }
    }

    @Test func `Nothing but failures for so long disables a subscription, until it is resumed`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let id = try await test.subscribe(to: queue)
            try await test.post(["1", "2", "3"], to: queue)
            _ = try await self.fail(test, 20)
            func probe(_ disableAfter: Duration) async throws {
                test.time.pass(seconds: 100)
                let settlements = try await test.lease().map { Settlement($0, .retry(after: .zero)) }
                let settled = try await deliveries.settle(0, settlements, disableAfter: disableAfter)
                #expect(settled.written == [true])
            }
            try await probe(.zero)
            try await probe(.seconds(201))
            #expect(try await deliveries.health(of: queue, subscription: id)?.disabledSince == nil)
            try await probe(.seconds(300))
            #expect(try await deliveries.health(of: queue, subscription: id)?.disabledSince == test.time.now)
            test.time.pass(seconds: 10_000)
            #expect(try await test.lease().isEmpty)
            #expect(try await deliveries.resume(queue, subscription: id))
            let health = try #require(try await deliveries.health(of: queue, subscription: id))
            #expect(health.disabledSince == nil && health.failures == nil && health.probeAt == nil)
            #expect(try await test.lease().count == 1, "as many as the window, which failures made small")
        }
    }

    @Test func `An answer that the subscriber is gone disables, also when one batch brings a success behind it`()
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let id = try await test.subscribe(to: queue)
            try await test.post(["1", "2"], to: queue)
            let leases = try await test.take().leases
            let endings: [Settlement.Ending] = [
                .deadLetter(.refused, summary: "refused 410", disabling: true), .delivered,
            ]
            let settled = try await deliveries.settle(0, zip(leases, endings).map { Settlement($0, $1) })
            #expect(settled.written == [true, true])
            #expect(try await deliveries.health(of: queue, subscription: id)?.disabledSince == test.time.now)
        }
    }

    @Test func `A suspect is quarantined when it lapsed alone, and frees its slot`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            try await test.subscribe(to: queue, pace: Pace(isOrdered: true))
            let ids = try await test.post(["poison", "2"], to: queue)
            for level in 0...3 {
                let leases = try await test.take().leases + test.lease()
                #expect(self.bodies(leases) == ["poison"] && leases.first?.attempt == level + 1)
                #expect(leases.first?.suspicion == level)
                if level > 0 { #expect(try await deliveries.begin(0, leases.map(\.token)) == [true]) }
                test.time.pass(seconds: 15)
                let reaped = try await deliveries.reap(0)
                #expect(reaped.lapsed == 1 && reaped.quarantined == (level == 3 ? 1 : 0) && !reaped.more)
                #expect(try await deliveries.begin(0, leases.map(\.token)) == [false])
                #expect(try await test.settle(leases, .delivered) == [false])
            }
            let deadLetters = try await deliveries.deadLetters(of: queue, limit: 9).deadLetters
            #expect(deadLetters.map(\.reason) == [.quarantined] && deadLetters.first?.position == ids[0].position)
            #expect(deadLetters.first?.attempts == 4)
            let kept = try await deliveries.deadLetter(
                of: queue, subscription: try #require(deadLetters.first?.subscription), position: ids[0].position)
            #expect(kept.map { String(decoding: $0.content.body, as: UTF8.self) } == "poison")
            let next = try await test.lease()
            #expect(self.bodies(next) == ["2"])
            #expect(try await test.settle(next, .delivered) == [true])
        }
    }

    @Test func `The share of successes and the latencies are those of the log`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let id = try await test.subscribe(to: queue)
            let fresh = try #require(try await deliveries.health(of: queue, subscription: id))
            #expect(fresh.log.successShare == nil && fresh.log.latency(ofShare: 0.5) == nil)
            #expect(fresh.window == 8 && fresh.backlog == 0 && fresh.oldestDue == nil && !fresh.isConfirmed)
            try await test.post((0..<4).map { "\($0)" }, to: queue)
            let leases = try await test.take().leases
            let outcomes: [Outcome] = [
                .accepted(code: 200), .accepted(code: 200), .deferred(code: 503, notBefore: nil),
                .unreachable(.timeout),
            ]
            let settlements = zip(leases, outcomes).enumerated().map { index, pair in
                var exchange = Exchange()
                exchange.total = (index + 1) * 10
                return Settlement(
                    pair.0, .delivered,
                    after: AttemptReport(
                        startedAt: test.time.now, kind: .notification, outcome: pair.1, exchange: exchange))
            }
            _ = try await deliveries.settle(0, settlements)
            let log = try #require(try await deliveries.health(of: queue, subscription: id)).log
            #expect(log.successShare == 0.5)
            #expect(log.latency(ofShare: 0.5) == 20 && log.latency(ofShare: 0.99) == 30, "a timeout is no answer")
        }
    }
}
