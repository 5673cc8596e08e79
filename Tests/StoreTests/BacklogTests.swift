import Domain
import Store
import TestKit
import Testing

/// What of a shard waits, and for what.
///
/// The model tests hold the same figures against a plain count.
struct BacklogTests {
    private func backlog(_ test: TestStore) async throws -> Backlog { try await test.store.deliveries.backlog() }

    /// The states that have deliveries.
    private func deliveries(_ backlog: Backlog) -> [Backlog.DeliveryState: Int] {
        backlog.deliveries.filter { $0.value > 0 }
    }

    @Test func `A post waits to be fanned out, then for a notifier, for its attempt, and for its retry`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue)
            #expect(try await self.backlog(test).eventAge == nil)
            try await test.post(["1"], to: queue)
            test.time.pass(seconds: 3)
            try await test.post(["2"], to: queue)
            var backlog = try await self.backlog(test)
            #expect(backlog.events == 2 && backlog.eventAge == .seconds(3))
            #expect(self.deliveries(backlog).isEmpty && backlog.subscriptions[.active] == 1)

            _ = try await test.take(capacity: 0)
            test.time.pass(seconds: 2)
            backlog = try await self.backlog(test)
            #expect(backlog.events == 0 && backlog.eventAge == nil)
            #expect(self.deliveries(backlog) == [.ready: 2])
            #expect(backlog.ages == [.ready: .seconds(2)], "since it may be attempted")

            let leases = try await test.lease()
            #expect(self.deliveries(try await self.backlog(test)) == [.inFlight: 2])
            _ = try await test.settle([leases[0]], .retry(after: .seconds(9)))
            backlog = try await self.backlog(test)
            #expect(self.deliveries(backlog) == [.inFlight: 1, .later: 1] && backlog.ages.isEmpty)
            test.time.pass(seconds: 10)
            backlog = try await self.backlog(test)
            #expect(self.deliveries(backlog) == [.inFlight: 1, .ready: 1])
            #expect(backlog.ages == [.ready: .seconds(1)], "since its retry is due")

            // The lease of 15 s lapses: any notifier may have it.
            test.time.pass(seconds: 7)
            backlog = try await self.backlog(test)
            #expect(self.deliveries(backlog) == [.ready: 2] && backlog.ages == [.ready: .seconds(8)])
            try await test.checkBacklog("at the end")
        }
    }

    @Test(arguments: [false, true])
    func `A dead letter that is sent again is as old as that`(isOrdered: Bool) async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue, pace: Pace(isOrdered: isOrdered))
            try await test.post(["1"], to: queue, ttl: 100_000)
            let leases = try await test.take().leases
            _ = try await test.settle(leases, .deadLetter(.refused, summary: "refused 404"))
            test.time.pass(seconds: 5_000)
            let (outcomes, _) = try await test.store.deliveries.redrive(
                [(id, leases[0].position)], of: queue, confirmedOnly: [])
            #expect(outcomes == [.enqueued])
            test.time.pass(seconds: 1)
            let backlog = try await self.backlog(test)
            #expect(self.deliveries(backlog) == [.ready: 1] && backlog.ages == [.ready: .seconds(1)])
        }
    }

    @Test func `A full window, a rate and an order hold what is due`() async throws {
        try await withTestStore(shards: 1) { test in
            let queues = try ["a", "b", "c"].map { try address("p", $0) }
            try await test.subscribe(to: queues[0])
            try await test.subscribe(to: queues[1], pace: Pace(maxPerSecond: 1))
            try await test.subscribe(to: queues[2], pace: Pace(isOrdered: true))
            for queue in queues { try await test.post((0..<10).map { "\($0)" }, to: queue) }
            let leases = try await test.take().leases
            // Eight of the first, one each of the others.
            #expect(leases.count == 10)
            test.time.pass(milliseconds: 400)
            let backlog = try await self.backlog(test)
            #expect(self.deliveries(backlog) == [.inFlight: 10, .held: 20])
            #expect(backlog.ages == [.held: .milliseconds(400)])
            _ = try await test.settle(leases.filter { $0.queue == queues[2] }, .retry(after: .seconds(60)))
            #expect(try await self.backlog(test).deliveries[.held] == 21, "order holds all of them, and its retry")
            try await test.checkBacklog("at the end")
        }
    }

    @Test func `Pauses, disabled subscriptions and open breakers have their figures, and give them back`() async throws
    {
        try await withTestStore(shards: 1) { test in
            let deliveries = test.store.deliveries
            let queues = try ["a", "b", "c"].map { try address("p", $0) }
            var ids: [SubscriptionID] = []
            for queue in queues {
                ids.append(try await test.subscribe(to: queue))
                try await test.post((0..<24).map { "\($0)" }, to: queue)
            }
            var leases = try await test.take().leases
            #expect(try await deliveries.pause(queues[0], subscription: ids[0]))
            _ = try await test.settle(
                [leases.first { $0.queue == queues[1] }].compactMap(\.self),
                .deadLetter(.refused, summary: "refused 410", disabling: true))
            for _ in 0..<100 where try await self.backlog(test).subscriptions[.breaker] == 0 {
                let failing = leases.filter { $0.queue == queues[2] }
                _ = try await test.settle(failing, .retry(after: .seconds(1)))
                test.time.pass(seconds: 1)
                leases = try await test.lease()
            }
            try await test.checkBacklog("held")
            var backlog = try await self.backlog(test)
            #expect(backlog.subscriptions == [.active: 0, .paused: 1, .disabled: 1, .breaker: 1, .ended: 0])
            #expect(backlog.deliveries[.paused] == 16 && backlog.deliveries[.disabled] == 16)
            #expect(backlog.deliveries[.breaker] ?? 0 > 0)

            // One that is disabled as well as paused is disabled; what comes meanwhile is counted with it.
            #expect(try await deliveries.pause(queues[1], subscription: ids[1]))
            try await test.post(["more"], to: queues[1])
            _ = try await test.take()
            try await test.checkBacklog("paused too")
            backlog = try await self.backlog(test)
            #expect(backlog.subscriptions[.disabled] == 1 && backlog.deliveries[.disabled] == 17)

            for (queue, id) in zip(queues, ids) { #expect(try await deliveries.resume(queue, subscription: id)) }
            try await test.checkBacklog("resumed")
            backlog = try await self.backlog(test)
            #expect(backlog.subscriptions == [.active: 3, .paused: 0, .disabled: 0, .breaker: 0, .ended: 0])
            #expect(try await test.shardKeys().allSatisfy { !$0.hasPrefix("held-subscriptions") })

            #expect(try await deliveries.pause(queues[0], subscription: ids[0]))
            try await test.store.subscriptions.delete(queues[0], id: ids[0])
            try await test.store.subscriptions.delete(queues[1], id: ids[1])
            test.time.pass(milliseconds: 1)
            backlog = try await self.backlog(test)
            #expect(backlog.subscriptions[.ended] == 2 && backlog.deliveries[.other] ?? 0 > 0)
            try await test.checkBacklog("ended")
            test.time.pass(seconds: 20)
            while try await deliveries.reap(0).more {}
            try await test.sweepAll()
            try await test.checkBacklog("swept")
            #expect(try await test.shardKeys().allSatisfy { !$0.hasPrefix("held-subscriptions") })
        }
    }

    @Test func `What more subscriptions wait for than are looked at is counted beside the rest`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let most = StorageLimits.backlogSubscriptions
            try await test.subscribe(many: most + 7, to: queue)
            try await test.post(["1"], to: queue)
            while try await test.take(capacity: 0, page: 1000).more {}
            let backlog = try await self.backlog(test)
            #expect(self.deliveries(backlog) == [.ready: most, .other: 7])
            #expect(backlog.subscriptions[.active] == most + 7)
        }
    }

    @Test func `Events of many queues are counted, and the oldest is found behind large ones`() async throws {
        try await withTestStore(shards: 1) { test in
            let large = String(repeating: "x", count: 200_000)
            for number in 0..<20 {
                let queue = try address("p\(number % 3)", "q\(number)")
                try await test.subscribe("http://s\(number)/", to: queue)
                try await test.post([large], to: queue)
                test.time.pass(milliseconds: 100)
                try await test.post(["2"], to: queue)
            }
            let backlog = try await self.backlog(test)
            #expect(backlog.events == 40 && backlog.eventAge == .milliseconds(2_000))
        }
    }

    @Test func `All shards are added up`() async throws {
        try await withTestStore(shards: 4) { try await self.addUp($0) }
    }

    @Test func `All shards of a cluster are added up`() async throws {
        try await withClusteredTestStore(shards: 4) { try await self.addUp($0) }
    }

    private func addUp(_ test: TestStore) async throws {
        for number in 0..<12 {
            let queue = try address("p", "q\(number)")
            try await test.subscribe(to: queue)
            try await test.post(["1"], to: queue)
            if number == 5 { test.time.pass(seconds: 2) }
        }
        let backlog = try await self.backlog(test)
        #expect(backlog.events == 12 && backlog.eventAge == .seconds(2))
        #expect(backlog.subscriptions[.active] == 12)
    }
}
