import Domain
import Redis
import Store
import TestKit
import Testing

/// Whatever comes and goes while the sweep looks at all that waits, a waiting delivery ends with its message.
struct WaitingSweepTests {
    private func post(_ count: Int, ttl: Int, to queue: QueueAddress, _ test: TestStore) async throws {
        for start in stride(from: 0, to: count, by: 100) {
            try await test.post((start..<min(start + 100, count)).map { "\($0)" }, to: queue, ttl: ttl)
        }
        while try await test.take(capacity: 0).more {}
    }

    /// Posts messages of several ttls that wait one behind the other.
    private func post(_ rows: [(count: Int, ttl: Int)], to queue: QueueAddress, _ test: TestStore) async throws {
        for (count, ttl) in rows {
            try await self.post(count, ttl: ttl, to: queue, test)
            test.time.pass(milliseconds: 1)
        }
    }

    /// Sweeps for so long as a notifier does, and says how many ended.
    private func sweep(_ test: TestStore, seconds: Int) async throws -> Int {
        var expired = 0
        for _ in 0..<seconds {
            test.time.pass(seconds: 1)
            while true {
                let swept = try await test.store.deliveries.sweep(0)
                expired += swept.expired
                if !swept.more { break }
            }
        }
        return expired
    }

    /// Sweeps until a look at what waits is half way, and says how many ended.
    private func sweepHalfWay(_ test: TestStore) async throws -> Int {
        var expired = 0
        for _ in 0..<200 {
            expired += try await test.store.deliveries.sweep(0).expired
            if try await test.shardKeys().contains("delivery-sweep-marks") { return expired }
            test.time.pass(seconds: 1)
        }
        Issue.record("no look took more than one call")
        return expired
    }

    @Test func `What shifts while a look is half way is looked at`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let subscription = try await test.subscribe(to: queue)
            try await self.post([(200, 1_209_600), (64, 60), (100, 1_209_600)], to: queue, test)
            #expect(try await self.sweepHalfWay(test) == 0)
            // Those in front leave.
            var left = 64
            while left > 0 {
                let leases = try await test.lease(capacity: left)
                try #require(!leases.isEmpty)
                _ = try await test.settle(leases, .delivered)
                left -= leases.count
            }
            #expect(try await test.store.deliveries.pause(queue, subscription: subscription))
            #expect(try await self.sweep(test, seconds: 10) == 64)
            let health = try await test.store.deliveries.health(of: queue, subscription: subscription)
            #expect(health?.backlog == 236)
        }
    }

    @Test func `What comes to wait while a look is half way ends with its message`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let subscription = try await test.subscribe(to: queue)
            // All of it is due in hours: what waits from now on comes in front.
            try await self.post(1, ttl: 60, to: queue, test)
            try await self.post(300, ttl: 1_209_600, to: queue, test)
            var leases = try await test.lease()
            while !leases.isEmpty {
                _ = try await test.settle(leases, .postponed(.seconds(7200)))
                leases = try await test.lease()
            }
            let expired = try await self.sweepHalfWay(test)
            #expect(try await test.store.deliveries.pause(queue, subscription: subscription))
            try await self.post(10, ttl: 60, to: queue, test)
            #expect(try await expired + self.sweep(test, seconds: 55) == 1)
            #expect(try await self.sweep(test, seconds: 10) == 10)
            #expect(try await test.shardKeys().contains("delivery-sweep-marks") == false)
        }
    }

    @Test func `A subscription that becomes ordered while a look is half way loses none`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let subscription = try await test.subscribe(to: queue)
            try await self.post([(1, 60), (220, 1_209_600), (200, 70)], to: queue, test)
            #expect(try await self.sweepHalfWay(test) == 1)
            let change = SubscriptionChange(options: Array("{}".utf8), pace: Pace(isOrdered: true))
            _ = try await test.store.subscriptions.update(
                queue, id: subscription, change, resettingConfirmation: false)
            #expect(try await test.lease().count == 1)
            #expect(try await self.sweep(test, seconds: 20) == 200)
        }
    }
}
