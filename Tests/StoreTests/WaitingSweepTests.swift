import Domain
import Redis
import Store
import TestKit
import Testing

/// Whatever comes and goes while the sweep looks at all that waits, a waiting delivery ends with its message.
struct WaitingSweepTests {
    private func post(_ count: Int, ttl: Int, to queue: QueueAddress, _ house: TestHouse) async throws {
        for start in stride(from: 0, to: count, by: 100) {
            try await house.post((start..<min(start + 100, count)).map { "\($0)" }, to: queue, ttl: ttl)
        }
        while try await house.take(capacity: 0).more {}
    }

    /// Posts messages of several ttls that wait one behind the other.
    private func post(_ rows: [(count: Int, ttl: Int)], to queue: QueueAddress, _ house: TestHouse) async throws {
        for (count, ttl) in rows {
            try await self.post(count, ttl: ttl, to: queue, house)
            house.time.pass(milliseconds: 1)
        }
    }

    /// Sweeps for so long as a notifier does, and says how many ended.
    private func sweep(_ house: TestHouse, seconds: Int) async throws -> Int {
        var expired = 0
        for _ in 0..<seconds {
            house.time.pass(seconds: 1)
            while true {
                let swept = try await house.store.deliveries.sweep(0)
                expired += swept.expired
                if !swept.more { break }
            }
        }
        return expired
    }

    /// Sweeps until a look at what waits is half way, and says how many ended.
    private func sweepHalfWay(_ house: TestHouse) async throws -> Int {
        var expired = 0
        for _ in 0..<200 {
            expired += try await house.store.deliveries.sweep(0).expired
            if try await house.shardKeys().contains("delivery-sweep-marks") { return expired }
            house.time.pass(seconds: 1)
        }
        Issue.record("no look took more than one call")
        return expired
    }

    @Test func `What shifts while a look is half way is looked at`() async throws {
        try await withHouse(shards: 1) { house in
            let queue = try address("p", "q")
            let subscription = try await house.subscribe(to: queue)
            try await self.post([(200, 1_209_600), (64, 60), (100, 1_209_600)], to: queue, house)
            #expect(try await self.sweepHalfWay(house) == 0)
            // Those in front leave.
            var left = 64
            while left > 0 {
                let leases = try await house.lease(capacity: left)
                try #require(!leases.isEmpty)
                _ = try await house.settle(leases, .delivered)
                left -= leases.count
            }
            #expect(try await house.store.deliveries.pause(queue, subscription: subscription))
            #expect(try await self.sweep(house, seconds: 10) == 64)
            let health = try await house.store.deliveries.health(of: queue, subscription: subscription)
            #expect(health?.backlog == 236)
        }
    }

    @Test func `What comes to wait while a look is half way ends with its message`() async throws {
        try await withHouse(shards: 1) { house in
            let queue = try address("p", "q")
            let subscription = try await house.subscribe(to: queue)
            // All of it is due in hours: what waits from now on comes in front.
            try await self.post(1, ttl: 60, to: queue, house)
            try await self.post(300, ttl: 1_209_600, to: queue, house)
            var leases = try await house.lease()
            while !leases.isEmpty {
                _ = try await house.settle(leases, .postponed(.seconds(7200)))
                leases = try await house.lease()
            }
            let expired = try await self.sweepHalfWay(house)
            #expect(try await house.store.deliveries.pause(queue, subscription: subscription))
            try await self.post(10, ttl: 60, to: queue, house)
            #expect(try await expired + self.sweep(house, seconds: 55) == 1)
            #expect(try await self.sweep(house, seconds: 10) == 10)
            #expect(try await house.shardKeys().contains("delivery-sweep-marks") == false)
        }
    }

    @Test func `A subscription that becomes ordered while a look is half way loses none`() async throws {
        try await withHouse(shards: 1) { house in
            let queue = try address("p", "q")
            let subscription = try await house.subscribe(to: queue)
            try await self.post([(1, 60), (220, 1_209_600), (200, 70)], to: queue, house)
            #expect(try await self.sweepHalfWay(house) == 1)
            let change = SubscriptionChange(options: Array("{}".utf8), pace: Pace(isOrdered: true))
            _ = try await house.store.subscriptions.update(
                queue, id: subscription, change, resettingConfirmation: false)
            #expect(try await house.lease().count == 1)
            #expect(try await self.sweep(house, seconds: 20) == 200)
        }
    }
}
