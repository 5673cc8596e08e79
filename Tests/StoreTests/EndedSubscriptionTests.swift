import Domain
import Store
import TestKit
import Testing

/// What becomes of the deliveries of a subscription when it ends.
struct EndedSubscriptionTests {
    private func reasons(_ test: TestStore, _ queue: QueueAddress) async throws -> [DeliveryDecision.Reason: Int] {
        let deadLetters = try await test.store.deliveries.deadLetters(of: queue, limit: 1000).deadLetters
        return Dictionary(deadLetters.map { ($0.reason, 1) }, uniquingKeysWith: +)
    }

    /// Sixty messages of an hour, of which eight are out.
    private func fill(_ test: TestStore, _ queue: QueueAddress) async throws -> [Lease] {
        try await test.post((0..<60).map { "\($0)" }, to: queue)
        return try await test.take().leases
    }

    @Test func `What waits when the time of a subscription is over becomes dead letters, and what is out if it fails`()
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue, ttl: 60)
            let leases = try await self.fill(test, queue)
            #expect(leases.count == 8)
            test.time.pass(seconds: 61)
            // Answered, failed, refused for good, and never tried since its subscription was not there; four lapse.
            let endings: [Settlement.Ending] = [
                .delivered, .retry(after: .seconds(5)), .deadLetter(.refused, summary: "refused 404"), .ended,
            ]
            let settled = try await test.store.deliveries.settle(
                0, zip(leases, endings).map { Settlement($0, $1) })
            #expect(settled.keptOfEnded == 2)
            let reaped = try await test.store.deliveries.reap(0)
            #expect(reaped.lapsed == 4 && reaped.keptOfEnded == 4)
            var kept = 0
            while true {
                let swept = try await test.store.deliveries.sweep(0)
                kept += swept.keptOfEnded
                guard swept.more else { break }
            }
            #expect(kept == 52)
            #expect(try await self.reasons(test, queue) == [.subscriptionEnded: 58, .refused: 1])
            let deadLetters = try await test.store.deliveries.deadLetters(of: queue, limit: 100).deadLetters
            let ended = deadLetters.filter { $0.reason == .subscriptionEnded }
            #expect(ended.allSatisfy { !$0.hasBody && $0.summary == "the subscription ended" })
            #expect(Dictionary(ended.map { ($0.attempts, 1) }, uniquingKeysWith: +) == [0: 53, 1: 5])
            test.time.pass(seconds: 2)
            try await test.sweepAll()
            let left = try await test.shardKeys().filter {
                $0 == "payloads" || $0.hasPrefix("due:") || $0 == "subscriptions"
            }
            #expect(left.isEmpty)
        }
    }

    @Test func `What waits for one that another follows stays while its queue is closed`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue, ttl: 60)
            _ = try await test.settle(try await self.fill(test, queue), .delivered)
            test.time.pass(seconds: 61)
            // The same subscriber again: the one before is in the order of its queue no more.
            try await test.subscribe(to: queue, ttl: 3600)
            let moves = test.store.closedQueues
            #expect(try await moves.hold(queue))
            _ = try await moves.close(queue, mark: "m").get()
            for _ in 1...3 {
                #expect(try await test.store.deliveries.sweep(0).keptOfEnded == 0)
                test.time.pass(seconds: 2)
            }
            try await moves.open(queue, mark: "m", isNew: false)
            try await test.sweepAll()
            #expect(try await self.reasons(test, queue) == [.subscriptionEnded: 52])
        }
    }

    @Test
    func `What was posted before the end and is fanned out after it becomes dead letters, and nothing of later posts`()
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue, ttl: 60)
            let filtered = try await test.subscribe("http://b/", to: queue, ttl: 60, pace: Pace(isFiltered: true))
            let other = try await test.subscribe("http://c/", to: queue)
            try await test.post(["1", "2"], to: queue)
            test.time.pass(seconds: 61)
            try await test.post(["3"], to: queue)
            // It stays for as long as such an event waits, and no caller sees it.
            for _ in 1...3 {
                try await test.sweepAll()
                test.time.pass(seconds: 2)
            }
            #expect(try await test.store.subscriptions.get(queue, id: id) == nil)
            #expect(
                try await Set(
                    test.store.subscriptions.read([id, filtered, other], in: 0, orEnded: true).subscriptions.keys)
                    == [id, filtered, other])
            #expect(
                try await Set(test.store.subscriptions.read([id, other], in: 0, orEnded: false).subscriptions.keys)
                    == [other])
            var (kept, leases): (Int, [Lease]) = (0, [])
            var verdicts: [EventVerdicts] = []
            for _ in 1...4 {
                let taken = try await test.store.deliveries.take(
                    0, allowance: LeaseAllowance(capacity: 100), lease: .seconds(60), confirmedOnly: false,
                    verdicts: verdicts)
                kept += taken.keptOfEnded
                leases += taken.leases
                verdicts = taken.undecided.map { event in event.judged { _, body in body == "2" } }
            }
            #expect(leases.count == 3 && leases.allSatisfy { $0.subscription == other })
            #expect(kept == 3)
            #expect(try await self.reasons(test, queue) == [.subscriptionEnded: 3])
            let deadLetters = try await test.store.deliveries.deadLetters(of: queue, limit: 10).deadLetters
            #expect(deadLetters.filter { $0.subscription == filtered }.count == 1)
            _ = try await test.settle(leases, .delivered)
            test.time.pass(seconds: 2)
            try await test.sweepAll()
            #expect(
                try await Set(
                    test.store.subscriptions.read([id, filtered, other], in: 0, orEnded: true).subscriptions.keys)
                    == [other])
        }
    }

    @Test func `One that a caller ends leaves none`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue)
            let leases = try await self.fill(test, queue)
            try await test.store.subscriptions.delete(queue, id: id)
            _ = try await test.settle(Array(leases.prefix(2)), .retry(after: .zero))
            _ = try await test.settle(Array(leases[2..<4]), .ended)
            test.time.pass(seconds: 61)
            #expect(try await test.store.deliveries.reap(0).keptOfEnded == 0)
            try await test.sweepAll()
            #expect(try await self.reasons(test, queue).isEmpty)
        }
    }

    @Test func `Large messages are looked at by and by, and tests and questions are not kept`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue, ttl: 60)
            #expect(try await test.store.deliveries.pause(queue, subscription: id))
            let large = "\"" + String(repeating: "x", count: 200_000) + "\""
            for _ in 0..<50 { try await test.post([large], to: queue) }
            while try await test.take().more {}
            #expect(
                try await test.store.subscriptions.test(queue, id: id, document: Array("{}".utf8), ttl: 3600) != nil)
            test.time.pass(seconds: 61)
            let first = try await test.store.deliveries.sweep(0)
            #expect(first.more && first.keptOfEnded <= 22 && first.keptOfEnded > 0)
            try await test.sweepAll()
            #expect(try await self.reasons(test, queue) == [.subscriptionEnded: 50])
        }
    }

    @Test func `Stored data of an older format keeps none`() async throws {
        try await withTestStore(shards: 1, formats: 1...3) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue, ttl: 60)
            _ = try await self.fill(test, queue)
            test.time.pass(seconds: 61)
            _ = try await test.store.deliveries.reap(0)
            try await test.sweepAll()
            #expect(try await self.reasons(test, queue).isEmpty)
        }
    }
}
