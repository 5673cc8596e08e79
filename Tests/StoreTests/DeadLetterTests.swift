import Domain
import Redis
import Store
import TestKit
import Testing

struct DeadLetterTests {
    /// Posts that many messages, and has the deliveries of each end for the reason.
    @discardableResult
    private func endAsDeadLetters(
        _ bodies: [String], _ reason: DeliveryDecision.Reason = .refused, in queue: QueueAddress, _ test: TestStore
    ) async throws -> [MessageID] {
        let ids = try await test.post(bodies, to: queue)
        var leases = try await test.take().leases
        while !leases.isEmpty {
            _ = try await test.settle(leases, .deadLetter(reason, summary: "refused 404"))
            leases = try await test.lease()
        }
        return ids
    }

    private func all(
        _ queue: QueueAddress, _ filter: DeadLetterFilter = DeadLetterFilter(), page: Int, _ test: TestStore
    ) async throws -> [DeadLetter] {
        var (deadLetters, marker, pages) = ([DeadLetter](), DeadLetterMarker?.none, 0)
        repeat {
            let (found, next) = try await test.store.deliveries.deadLetters(
                of: queue, filter, after: marker, limit: page)
            #expect(found.count <= page)
            deadLetters += found
            (marker, pages) = (next, pages + 1)
        } while marker != nil && pages < 1000
        return deadLetters
    }

    @Test func `Dead letters come in the order in which they ended, page by page, by what is asked for`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, other) = (try address("p", "q"), try address("p", "other"))
            let first = try await test.subscribe("http://a", to: queue)
            try await test.subscribe(to: other)
            try await self.endAsDeadLetters((0..<5).map { "\($0)" }, in: queue, test)
            test.time.pass(seconds: 10)
            let later = test.time.now
            let second = try await test.subscribe("http://b", to: queue)
            try await self.endAsDeadLetters((5..<8).map { "\($0)" }, .exhausted, in: queue, test)
            try await self.endAsDeadLetters(["9"], in: other, test)
            for page in [1, 3, 100] {
                let deadLetters = try await self.all(queue, page: page, test)
                #expect(deadLetters.count == 11 && deadLetters.map(\.endedAt) == deadLetters.map(\.endedAt).sorted())
                #expect(Set(deadLetters.map { "\($0.subscription) \($0.position)" }).count == 11)
                func count(_ filter: DeadLetterFilter) async throws -> Int {
                    try await self.all(queue, filter, page: page, test).count
                }
                #expect(try await count(DeadLetterFilter(subscription: first)) == 8)
                #expect(try await count(DeadLetterFilter(subscription: second)) == 3)
                #expect(try await count(DeadLetterFilter(reason: .exhausted)) == 6)
                #expect(try await count(DeadLetterFilter(subscription: first, reason: .exhausted)) == 3)
                #expect(try await count(DeadLetterFilter(since: later)) == 6)
                #expect(try await count(DeadLetterFilter(until: later)) == 5)
                #expect(try await count(DeadLetterFilter(since: later, until: later)) == 0)
                #expect(try await count(DeadLetterFilter(reason: .expired)) == 0)
            }
            // A page goes on behind a dead letter that is gone meanwhile.
            let (some, marker) = try await test.store.deliveries.deadLetters(of: queue, limit: 4)
            let last = try #require(some.last)
            try await test.store.deliveries.discardDeadLetter(
                of: queue, subscription: last.subscription, position: last.position)
            let (rest, _) = try await test.store.deliveries.deadLetters(
                of: queue, after: marker, limit: 100)
            #expect(rest.count == 7 && !rest.contains(last))
            #expect(try await self.all(queue, page: 100, test).count == 10)
        }
    }

    @Test
    func `A redriven dead letter is a delivery again, of the same name, from its first attempt and with a new life`()
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue)
            let message = try await self.endAsDeadLetters(["[1]"], in: queue, test)[0]
            for round in 1...2 {
                test.time.pass(seconds: 7200)
                let (outcomes, _) = try await test.store.deliveries.redrive(
                    [(id, message.position), (id, message.position)], of: queue, confirmedOnly: [])
                #expect(outcomes == [.enqueued, .unknown], "round \(round)")
                let lease = try #require(try await test.lease().first)
                #expect(lease.position == message.position && lease.attempt == 1 && lease.ttl == 3600)
                #expect(lease.expiresAt == test.time.now.adding(seconds: 3600))
                #expect(String(decoding: lease.body, as: UTF8.self) == "[1]" && lease.kind == .notification)
                #expect(try await test.store.deliveries.deadLetters(of: queue, limit: 9).deadLetters.isEmpty)
                if round == 1 {
                    #expect(try await test.settle([lease], .deadLetter(.expired, summary: "")) == [true])
                } else {
                    #expect(try await test.settle([lease], .delivered) == [true])
                }
            }
            let left = try await test.shardKeys().filter { ["payloads", "payload-references", "leases"].contains($0) }
            #expect(left.isEmpty)
        }
    }

    @Test func `A message that other deliveries wait for is neither removed nor doubled by a redrive`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let (first, second) = (
                try await test.subscribe("http://a", to: queue), try await test.subscribe("http://b", to: queue)
            )
            let message = try await test.post(["1"], to: queue)[0]
            let leases = try await test.take().leases
            let one = leases.filter { $0.subscription == first }
            #expect(try await test.settle(one, .deadLetter(.refused, summary: "")) == [true])
            let (outcomes, _) = try await test.store.deliveries.redrive(
                [(first, message.position)], of: queue, confirmedOnly: [])
            #expect(outcomes == [.enqueued])
            #expect(try await test.settle(leases.filter { $0.subscription == second }, .delivered) == [true])
            let again = try await test.lease()
            #expect(again.map(\.subscription) == [first])
            #expect(again.map { String(decoding: $0.body, as: UTF8.self) } == ["1"])
            #expect(try await test.settle(again, .delivered) == [true])
            #expect(
                try await test.shardKeys().filter { ["payloads", "payload-references", "leases"].contains($0) }.isEmpty
            )
        }
    }

    @Test func `Dead letters that cannot be sent again stay, and say why`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, other) = (try address("p", "q"), try address("p", "other"))
            let id = try await test.subscribe(to: queue)
            let message = try await self.endAsDeadLetters(["1"], in: queue, test)[0]
            func redrive(_ queue: QueueAddress, confirmedOnly: Set<Destination> = []) async throws -> [RedriveOutcome] {
                try await test.store.deliveries.redrive(
                    [(id, message.position)], of: queue, confirmedOnly: confirmedOnly
                ).outcomes
            }
            #expect(try await redrive(other) == [.unknown])
            #expect(try await redrive(queue, confirmedOnly: [.webhook]) == [.unconfirmed])
            try await test.store.subscriptions.delete(queue, id: id)
            #expect(try await redrive(queue) == [.gone])
            #expect(try await test.store.deliveries.deadLetters(of: queue, limit: 9).deadLetters.count == 1)
            #expect(try await test.lease().isEmpty)
        }
    }

    @Test func `What is said late of an earlier attempt does not touch the delivery that was sent again`() async throws
    {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            let id = try await test.subscribe(to: queue)
            try await test.post(["1"], to: queue)
            var earlier = try await test.take().leases
            for round in 1...3 {
                let ending = Settlement.Ending.deadLetter(.exhausted, summary: "deferred 500")
                // Its reply is lost, so it is said again when the dead letter was sent again and leased.
                #expect(try await test.settle(earlier, ending) == [true])
                let deadLetter = try #require(try await deliveries.deadLetters(of: queue, limit: 9).deadLetters.first)
                #expect(deadLetter.attempts == 1)
                let (outcomes, _) = try await deliveries.redrive(
                    [(id, deadLetter.position)], of: queue, confirmedOnly: [])
                #expect(outcomes == [.enqueued])
                test.time.pass(seconds: 1)
                let waiting = try await deliveries.statuses(of: deadLetter.position, in: queue, after: nil, limit: 1)
                    .first
                #expect(waiting?.stage == .waiting(.due, until: test.time.now) && waiting?.attempt == 1)
                let again = try await test.lease()
                #expect(again.map(\.attempt) == [1], "round \(round)")
                let leased = try await deliveries.statuses(of: deadLetter.position, in: queue, after: nil, limit: 1)
                    .first
                #expect(leased?.stage == .leased(until: test.time.now.adding(seconds: 15)))
                #expect(try await test.settle(earlier, ending) == [false], "round \(round)")
                #expect(try await test.settle(earlier, .delivered) == [false], "round \(round)")
                earlier = again
            }
            #expect(try await test.settle(earlier, .retry(after: .zero)) == [true])
            let last = try await test.lease()
            #expect(last.map(\.attempt) == [2])
            #expect(try await test.settle(last, .delivered) == [true])
            #expect(
                try await test.shardKeys().filter { ["turns", "payloads", "leases", "waiting-counts"].contains($0) }
                    .isEmpty)
        }
    }

    @Test func `A dead letter whose record is gone is empty, and the others are sent again`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue)
            let ids = try await self.endAsDeadLetters(["1", "2", "3"], in: queue, test)
            let records = try #require(try await test.keys().first { $0.contains("}:dead-letter-records:") })
            _ = try await test.redis.command("HDEL", records, "\(ids[1].position.value)")
            let (outcomes, _) = try await test.store.deliveries.redrive(
                ids.map { (id, $0.position) }, of: queue, confirmedOnly: [])
            #expect(outcomes == [.enqueued, .empty, .enqueued])
            let leases = try await test.lease()
            #expect(leases.map { String(decoding: $0.body, as: UTF8.self) } == ["1", "3"])
            #expect(try await test.settle(leases, .delivered) == [true, true])
            #expect(
                try await test.shardKeys().filter { ["turns", "payloads", "leases", "waiting-counts"].contains($0) }
                    .isEmpty)
            #expect(try await self.all(queue, page: 9, test).map(\.position) == [ids[1].position])
        }
    }

    @Test func `A list of dead letters writes nothing, and goes on at the memory limit behind one that is gone`()
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(many: 8, to: queue)
            try await self.endAsDeadLetters((0..<5).map { "\($0)" }, in: queue, test)
            let deliveries = test.store.deliveries
            let deadLetters = try await self.all(queue, page: 100, test)
            try #require(deadLetters.count == 40)
            for number in [0, 1, 17, 38, 39] {
                let gone = deadLetters[number]
                try await deliveries.discardDeadLetter(
                    of: queue, subscription: gone.subscription, position: gone.position)
            }
            _ = try await test.redis.command("CONFIG", "SET", "maxmemory", "1")
            for number in [0, 1, 16, 17, 18, 38, 39] {
                let marker = DeadLetterMarker(
                    endedAt: deadLetters[number].endedAt, subscription: deadLetters[number].subscription,
                    position: deadLetters[number].position)
                let rest = try await deliveries.deadLetters(of: queue, after: marker, limit: 100).deadLetters
                let expected = deadLetters.indices.filter { $0 > number && ![0, 1, 17, 38, 39].contains($0) }
                #expect(rest == expected.map { deadLetters[$0] })
            }
        }
    }

    @Test func `A rate spreads what is sent again over time`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue)
            let ids = try await self.endAsDeadLetters((0..<5).map { "\($0)" }, in: queue, test)
            let places = ids.map { (id, $0.position) }
            let start = test.time.now
            let (_, due) = try await test.store.deliveries.redrive(
                Array(places.prefix(3)), of: queue, confirmedOnly: [], step: .milliseconds(500))
            #expect(due == start.adding(milliseconds: 1500))
            _ = try await test.store.deliveries.redrive(
                Array(places.suffix(2)), of: queue, confirmedOnly: [], due: due, step: .milliseconds(500))
            for number in 0..<5 {
                let leases = try await test.lease()
                #expect(leases.map { String(decoding: $0.body, as: UTF8.self) } == ["\(number)"])
                #expect(try await test.settle(leases, .delivered) == [true])
                test.time.pass(milliseconds: 499)
                #expect(try await test.lease().isEmpty)
                test.time.pass(milliseconds: 1)
            }
        }
    }

    @Test func `A queue keeps its newest ten thousand dead letters, for fourteen days, and none once it is deleted`()
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue)
            let old = try await self.endAsDeadLetters(["0"], in: queue, test)[0]
            test.time.pass(seconds: 1_209_601)
            _ = try await test.store.subscriptions.update(
                queue, id: id, SubscriptionChange(ttl: 1_000_000), resettingConfirmation: false)
            let second = try await test.subscribe("http://b", to: queue)
            try await self.endAsDeadLetters(["1"], in: queue, test)
            let deadLetters = try await test.store.deliveries.deadLetters(of: queue, limit: 9).deadLetters
            #expect(
                !deadLetters.contains { $0.position == old.position }
                    && deadLetters.contains { $0.subscription == second })
            let dead = try #require(try await test.keys().first { $0.contains("}:dead-letters:") })
            for start in stride(from: 0, to: 10_000, by: 1000) {
                let fillers = (start..<start + 1000).flatMap { ["\(test.time.now.milliseconds)", "filler|\($0)"] }
                _ = try await test.pool.send(RedisCommand("ZADD", [dead] + fillers))
            }
            test.time.pass(seconds: 1)
            try await self.endAsDeadLetters(["2"], in: queue, test)
            #expect(try await test.redis.command("ZCARD", dead).int == 10_000)
            try await test.store.queues.delete(queue)
            #expect(try await test.shardKeys().filter { $0.contains("dead-letter") }.isEmpty)
            #expect(try await test.shardKeys().filter { $0.contains("records") }.isEmpty)
        }
    }
}
