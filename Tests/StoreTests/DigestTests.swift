import Domain
import Store
import TestKit
import Testing

/// Messages that are collected until their time is over, or until there are enough of them.
struct DigestTests {
    private static let reader = "mailto:a@b.test"

    private func collected(_ seconds: Int = 300, _ messages: Int = 3) -> Pace {
        Pace(digest: Digest(seconds: seconds, messages: messages))
    }

    /// Posts one message each, and fans it out.
    private func post(_ bodies: String..., to queue: QueueAddress, in test: TestStore, ttl: Int = 3600) async throws {
        for body in bodies {
            try await test.post([body], to: queue, ttl: ttl)
            #expect(try await test.take().leases.isEmpty, "a message of a digest is not leased by itself")
        }
    }

    private func bodies(_ leases: [Lease]) -> [String] { leases.map { String(decoding: $0.body, as: UTF8.self) } }

    private func nextDue(_ test: TestStore) async throws -> Timestamp? {
        try await test.store.deliveries.status(of: [0]).first?.nextDue
    }

    @Test func `A digest goes out when its time is over, counted from its first message`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(Self.reader, to: queue, pace: self.collected())
            try await self.post("1", to: queue, in: test)
            let due = test.time.now.adding(seconds: 300)
            #expect(try await self.nextDue(test) == due)
            test.time.pass(milliseconds: 200_000)
            try await self.post("2", to: queue, in: test)
            #expect(try await self.nextDue(test) == due, "a later message does not move it")
            test.time.pass(milliseconds: 99_999)
            #expect(try await test.lease().isEmpty)
            test.time.pass(milliseconds: 1)
            let leases = try await test.lease()
            #expect(self.bodies(leases) == ["1", "2"] && leases.map(\.isCollected) == [false, true])
            // What comes now is of the next digest, which waits until this one has ended.
            try await self.post("3", to: queue, in: test)
            test.time.pass(milliseconds: 300_000)
            #expect(try await test.lease().isEmpty)
            #expect(try await test.settle(leases, .delivered) == [true, true])
            #expect(self.bodies(try await test.lease()) == ["3"])
        }
    }

    @Test func `A digest goes out at once when it holds as many messages as it may`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(Self.reader, to: queue, pace: self.collected())
            try await self.post("1", "2", to: queue, in: test)
            #expect(try await test.lease().isEmpty)
            // The third fills the digest; the fourth to the sixth are another; the seventh waits.
            try await test.post(["3", "4", "5", "6", "7"], to: queue)
            #expect(try await test.take().leases.isEmpty)
            let first = try await test.lease()
            #expect(self.bodies(first) == ["1", "2", "3"])
            #expect(try await test.lease().isEmpty, "one digest of a subscription is out at a time")
            #expect(try await test.settle(first, .delivered) == [true, true, true])
            let second = try await test.lease()
            #expect(self.bodies(second) == ["4", "5", "6"])
            #expect(try await test.settle(second, .delivered) == [true, true, true])
            #expect(try await test.lease().isEmpty)
            #expect(try await self.nextDue(test) == test.time.now.adding(seconds: 300))
            test.time.pass(milliseconds: 300_000)
            let third = try await test.lease()
            #expect(self.bodies(third) == ["7"] && third.map(\.isCollected) == [false])
            #expect(try await test.settle(third, .delivered) == [true])
            #expect(try await test.shardKeys().allSatisfy { !$0.hasPrefix("due:") })
        }
    }

    @Test func `A digest that failed is repeated as it was, apart from what came meanwhile, and counts as one failure`()
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(Self.reader, to: queue, pace: self.collected(10, 50))
            try await test.post((0..<30).map { "\($0)" }, to: queue)
            #expect(try await test.take().leases.isEmpty)
            test.time.pass(milliseconds: 10_000)
            let leases = try await test.lease()
            #expect(leases.count == 30)
            let report = AttemptReport(
                startedAt: test.time.now, kind: .notification, outcome: .deferred(code: 451, notBefore: nil),
                exchange: Exchange())
            let settlements = leases.enumerated().map { index, lease in
                Settlement(lease, .retry(after: .seconds(5)), after: report, isShared: index > 0)
            }
            let written = try await test.store.deliveries.settle(
                0, settlements, disableAfter: .zero, allowance: nil, lease: .zero)
            #expect(written.written.allSatisfy { $0 })
            let health = try #require(try await test.store.deliveries.health(of: queue, subscription: id))
            #expect(health.failures?.count == 1, "the breaker counts the mail, not its messages: \(health)")
            #expect(health.log.failed == 30, "and the log has an attempt of each message")
            try await self.post("new", to: queue, in: test)
            test.time.pass(milliseconds: 5_000)
            let again = try await test.lease()
            #expect(self.bodies(again) == self.bodies(leases) && again.allSatisfy { $0.attempt == 2 })
            #expect(again.map(\.isCollected) == leases.map(\.isCollected))
            #expect(try await test.settle(again, .delivered).allSatisfy { $0 })
            test.time.pass(milliseconds: 5_000)
            #expect(self.bodies(try await test.lease()) == ["new"])
        }
    }

    @Test func `Subscriptions with mail addresses have the digest of their queue, others and ordered ones none`()
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let attributes = QueueAttributes(digest: Digest(seconds: 60, messages: 10))
            _ = try await test.store.queues.create(queue, metadata: Array("{}".utf8), attributes: attributes)
            let inheriting = try await test.subscribe("MAILTO:a@b.test", to: queue)
            let own = try await test.subscribe("mailto:c@b.test", to: queue, pace: self.collected(600, 10))
            let ordered = try await test.subscribe("mailto:d@b.test", to: queue, pace: Pace(isOrdered: true))
            let webhook = try await test.subscribe("http://127.0.0.1:9/", to: queue, pace: self.collected())
            try await test.post(["1"], to: queue)
            let taken = try await test.take().leases
            #expect(Set(taken.map(\.subscription)) == [ordered, webhook])
            test.time.pass(milliseconds: 60_000)
            let first = try await test.lease()
            #expect(first.map(\.subscription) == [inheriting])
            _ = try await test.store.queues.update(queue) { ($0, QueueAttributes()) }
            test.time.pass(milliseconds: 540_000)
            #expect(try await test.lease().map(\.subscription) == [own])
            try await test.post(["2"], to: queue)
            #expect(Set(try await test.take().leases.map(\.subscription)).contains(inheriting), "the queue has none")
        }
    }

    @Test func `An address that becomes a webhook is notified of each message`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(Self.reader, to: queue, pace: self.collected())
            let change = SubscriptionChange(subscriber: try Subscriber("http://127.0.0.1:9/"))
            #expect(
                try await test.store.subscriptions.update(queue, id: id, change, resettingConfirmation: false)
                    == .updated)
            try await test.post(["1", "2"], to: queue)
            let leases = try await test.take().leases
            #expect(leases.count == 2 && leases.allSatisfy { !$0.isCollected })
        }
    }

    @Test func `A message whose life ends before its digest goes out is a dead letter, and the digest goes without it`()
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(Self.reader, to: queue, pace: self.collected(300, 10))
            try await self.post("short", to: queue, in: test, ttl: 60)
            try await self.post("long", to: queue, in: test)
            test.time.pass(milliseconds: 120_000)
            try await test.sweepAll()
            let deadLetters = try await test.store.deliveries.deadLetters(of: queue, limit: 10).deadLetters
            #expect(deadLetters.map(\.reason) == [.expired])
            test.time.pass(milliseconds: 180_000)
            #expect(self.bodies(try await test.lease()) == ["long"])
        }
    }

    @Test func `A digest of many bytes goes out in parts, one after the other`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(Self.reader, to: queue, pace: self.collected(10, 5))
            let large = String(repeating: "x", count: 100_000)
            for number in 0..<5 { try await self.post("\(number)" + large, to: queue, in: test) }
            var parts: [Int] = []
            for _ in 0..<3 {
                let leases = try await test.lease()
                parts.append(leases.count)
                #expect(try await test.settle(leases, .delivered).allSatisfy { $0 })
            }
            #expect(parts == [2, 2, 1])
        }
    }

    @Test func `What says why a delivery waits says that it is collected, and until when`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(Self.reader, to: queue, pace: self.collected())
            let id = try #require(try await test.post(["1"], to: queue).first)
            _ = try await test.take()
            let due = test.time.now.adding(seconds: 300)
            let statuses = try await test.store.deliveries.statuses(of: id.position, in: queue, after: nil, limit: 5)
            #expect(statuses.map(\.stage) == [.waiting(.digest, until: due)])
        }
    }

    @Test func `A pause holds a digest, and its dead letters are sent again at once`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let deliveries = test.store.deliveries
            let id = try await test.subscribe(Self.reader, to: queue, pace: self.collected(10, 5))
            try await self.post("1", "2", to: queue, in: test)
            #expect(try await deliveries.pause(queue, subscription: id))
            test.time.pass(milliseconds: 20_000)
            #expect(try await test.lease().isEmpty)
            #expect(try await deliveries.resume(queue, subscription: id))
            let leases = try await test.lease()
            #expect(self.bodies(leases) == ["1", "2"])
            #expect(try await test.settle(leases, .deadLetter(.refused, summary: "refused 550")) == [true, true])
            let (outcomes, _) = try await test.store.deliveries.redrive(
                leases.map { ($0.subscription, $0.position) }, of: queue, confirmedOnly: [])
            #expect(outcomes == [.enqueued, .enqueued])
            let again = try await test.lease()
            #expect(self.bodies(again) == ["1", "2"] && again.map(\.isCollected) == [false, true])
        }
    }

    @Test func `A question to confirm and a test do not wait for a digest, and are not part of one`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(Self.reader, to: queue, pace: self.collected())
            try await self.post("1", to: queue, in: test)
            let request = ConfirmationRequest(
                kind: .subscriptionConfirmation, subscriber: Self.reader, at: Timestamp(milliseconds: 0), ttl: 600,
                linkExpiry: 4_000_000_000, document: Array(#"{"queue_name":"q"}"#.utf8))
            #expect(try await test.store.subscriptions.requestConfirmation(queue, id: id, request) == .requested)
            let leases = try await test.lease()
            #expect(leases.map(\.kind) == [.subscriptionConfirmation] && leases.map(\.isCollected) == [false])
        }
    }

    @Test func `What a worker lost of a digest goes out together once all of it has lapsed`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(Self.reader, to: queue, pace: self.collected(10, 5))
            try await self.post("1", "2", "3", "4", "5", to: queue, in: test)
            #expect(try await test.lease().count == 5)
            test.time.pass(milliseconds: 15_001)
            #expect(try await test.store.deliveries.reap(0, limit: 2).lapsed == 2)
            #expect(try await test.lease().isEmpty, "a part of it is still out")
            #expect(try await test.store.deliveries.reap(0, limit: 10).lapsed == 3)
            let again = try await test.lease()
            #expect(self.bodies(again) == ["1", "2", "3", "4", "5"])
            #expect(
                again.map(\.isCollected) == [false, true, true, true, true] && again.allSatisfy { $0.attempt == 2 })
        }
    }

    @Test func `What is too much for an address goes out together later, with what came meanwhile`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(Self.reader, to: queue)
            try await test.post(["1", "2", "3"], to: queue)
            let leases = try await test.take().leases
            #expect(leases.count == 3 && leases.allSatisfy { !$0.isCollected }, "it has no digest of its own")
            #expect(try await test.settle([leases[0]], .delivered) == [true])
            #expect(try await test.settle([leases[1]], .collected(.seconds(1800))) == [true])
            test.time.pass(milliseconds: 1000)
            // The others join it, however long they are to wait.
            #expect(try await test.settle([leases[2]], .collected(.seconds(1805))) == [true])
            let due = test.time.now.adding(seconds: 1799)
            #expect(try await self.nextDue(test) == due)
            try await self.post("4", to: queue, in: test)
            test.time.pass(milliseconds: 1_798_999)
            #expect(try await test.lease().isEmpty)
            test.time.pass(milliseconds: 1)
            let together = try await test.lease()
            #expect(self.bodies(together) == ["2", "3", "4"] && together.map(\.isCollected) == [false, true, true])
            #expect(together.allSatisfy { $0.attempt == 1 })
            // One that fails is repeated together, too.
            #expect(try await test.settle(together, .retry(after: .seconds(60))).allSatisfy { $0 })
            test.time.pass(milliseconds: 60_000)
            let again = try await test.lease()
            #expect(self.bodies(again) == ["2", "3", "4"] && again.map(\.isCollected) == [false, true, true])
            #expect(try await test.settle(again, .delivered).allSatisfy { $0 })
            // After that each message goes out by itself again.
            try await test.post(["5", "6"], to: queue)
            let after = try await test.take().leases
            #expect(self.bodies(after) == ["5", "6"] && after.allSatisfy { !$0.isCollected })
        }
    }

    @Test func `However much waits for an address, nothing of it goes out before its time`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(Self.reader, to: queue, pace: self.collected(60, 5))
            try await self.post("0", "1", "2", "3", "4", to: queue, in: test)
            let first = try await test.lease()
            #expect(first.count == 5)
            #expect(try await test.settle(first, .collected(.seconds(1800))).allSatisfy { $0 })
            for number in 5..<20 { try await self.post("\(number)", to: queue, in: test) }
            #expect(try await test.lease().isEmpty)
            test.time.pass(seconds: 1_799)
            #expect(try await test.lease().isEmpty)
            test.time.pass(seconds: 1)
            #expect(try await test.lease().count == 5)
        }
    }

    @Test func `Digests that failed at different times are repeated apart`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(Self.reader, to: queue, pace: self.collected(60, 2))
            try await self.post("1", "2", to: queue, in: test)
            let first = try await test.lease()
            #expect(try await test.settle(first, .retry(after: .seconds(60))).allSatisfy { $0 })
            test.time.pass(seconds: 10)
            try await self.post("3", "4", to: queue, in: test)
            let second = try await test.lease()
            #expect(self.bodies(second) == ["3", "4"])
            #expect(try await test.settle(second, .retry(after: .seconds(60))).allSatisfy { $0 })
            test.time.pass(seconds: 70)
            let again = try await test.lease()
            #expect(self.bodies(again) == ["1", "2"])
            #expect(try await test.settle(again, .delivered).allSatisfy { $0 })
            #expect(self.bodies(try await test.lease()) == ["3", "4"])
        }
    }

    @Test(arguments: StorageBackend.runs(seeds: 6))
    func `Every message is leased until it ends, once, whatever is lost between`(seed: UInt64, backend: StorageBackend)
        async throws
    {
        try await backend.withServers(shards: 1) { test in
            var random = SeededGenerator(seed: seed)
            let queues = [try address("p", "q"), try address("other", "q")]
            var subscriptions: [SubscriptionID] = []
            for queue in queues {
                for number in 0..<2 {
                    let pace = self.collected(random.pick([1, 5, 60]), random.pick([2, 5, 100]))
                    subscriptions.append(try await test.subscribe("mailto:\(number)@b.test", to: queue, pace: pace))
                }
            }
            var posted = 0
            var ended: [String: Int] = [:]
            for step in 0..<400 {
                test.time.pass(milliseconds: random.pick([0, 1, 300, 2000, 20_000]))
                if step < 300, random.chance(0.4) {
                    let count = random.pick([1, 2, 7])
                    try await test.post((0..<count).map { "\(posted + $0)" }, to: random.pick(queues), ttl: 1_000_000)
                    posted += count
                }
                _ = try await test.store.deliveries.take(
                    0, allowance: LeaseAllowance(capacity: random.pick([0, 1, 50])), page: random.pick([1, 3, 200]),
                    lease: .seconds(15), confirmedOnly: false)
                let leases = try await test.lease(capacity: random.pick([1, 3, 1000]))
                for (subscription, own) in Dictionary(grouping: leases, by: \.subscription) {
                    #expect(
                        own.first?.isCollected == false && own.dropFirst().allSatisfy(\.isCollected), "seed \(seed)")
                    #expect(Set(own.map(\.attempt)).count == 1, "seed \(seed): of several turns")
                    // A worker that dies writes nothing down.
                    guard random.chance(0.8) else { continue }
                    let ending = random.pick([Settlement.Ending.delivered, .retry(after: .seconds(7)), .handedBack])
                    let written = try await test.settle(own, ending)
                    #expect(written.allSatisfy { $0 }, "seed \(seed)")
                    guard ending == .delivered else { continue }
                    for lease in own { ended["\(subscription.text) \(lease.position.value)", default: 0] += 1 }
                }
                _ = try await test.store.deliveries.reap(0, limit: random.pick([1, 4, 100]))
            }
            for _ in 0..<400 {
                test.time.pass(milliseconds: 70_000)
                _ = try await test.take()
                _ = try await test.store.deliveries.reap(0, limit: 100)
                let leases = try await test.lease()
                _ = try await test.settle(leases, .delivered)
                for lease in leases { ended["\(lease.subscription.text) \(lease.position.value)", default: 0] += 1 }
            }
            #expect(ended.values.allSatisfy { $0 == 1 }, "seed \(seed): ended twice")
            #expect(try await self.nextDue(test) == nil, "seed \(seed): something is left")
            let dead =
                try await test.store.deliveries.deadLetters(of: queues[0], limit: 1000).deadLetters.count
                + test.store.deliveries.deadLetters(of: queues[1], limit: 1000).deadLetters.count
            #expect(ended.count + dead == 2 * posted, "seed \(seed): \(ended.count) and \(dead) of \(2 * posted)")
        }
    }
}
