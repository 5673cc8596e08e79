import Domain
import Redis
import Store
import TestKit
import Testing

/// What bounds dead letters drops no dead letter that can be sent again for one that cannot.
struct DeadLetterBoundTests {
    /// Posts messages, and has the deliveries of each end as refused.
    private func endAsDeadLetters(_ count: Int, bytes: Int = 10, in queue: QueueAddress, _ test: TestStore) async throws
    {
        for number in 0..<count {
            try await test.post(["\(number)" + String(repeating: "x", count: bytes)], to: queue)
            _ = try await test.settle(try await test.take().leases, .deadLetter(.refused, summary: "refused 404"))
        }
    }

    private func deadLetters(_ queue: QueueAddress, _ test: TestStore) async throws -> [DeadLetter] {
        try await test.store.deliveries.deadLetters(of: queue, limit: 1000).deadLetters
    }

    /// The bytes a project's dead letters take, as its sum says and as its queues do.
    private func bytes(_ test: TestStore) async throws -> (sum: Int, queues: Int) {
        let keys = try await test.keys()
        var (sum, queues) = (0, 0)
        for key in keys where key.contains("}:dead-letter-bytes:") {
            sum += Int(try await test.redis.command("HGET", key, "").text ?? "0") ?? 0
        }
        for key in keys where key.contains("}:dead-letter-records:") {
            queues += Int(try await test.redis.command("HGET", key, "bytes").text ?? "0") ?? 0
        }
        return (sum, queues)
    }

    @Test func `Large dead letters stay within their bytes also where small ones are the oldest`() async throws {
        let limits = DeliveryLimits(queueDeadLetterBytes: 1 << 20, projectDeadLetterBytes: 2 << 20)
        try await withTestStore(shards: 1, limits: limits) { test in
            let queues = [try address("p", "small"), try address("p", "a"), try address("p", "b")]
            for queue in queues { try await test.subscribe(to: queue) }
            for _ in 0..<30 { try await self.endAsDeadLetters(20, in: queues[0], test) }
            test.time.pass(seconds: 1)
            for _ in 0..<4 {
                for queue in queues.dropFirst() {
                    for _ in 0..<8 { try await test.post([String(repeating: "x", count: 250_000)], to: queue) }
                    let leases = try await test.take().leases
                    #expect(leases.count == 8)
                    // No failure of the subscriber's: its window stays.
                    _ = try await test.settle(leases, .deadLetter(.expired, summary: ""))
                }
            }
            let (sum, kept) = try await self.bytes(test)
            // One call may go beyond the bound by what it brings.
            #expect(sum == kept && kept < (2 << 20) + 8 * 250_000)
        }
    }

    @Test(arguments: [
        DeliveryLimits(queueDeadLetters: 20, subscriptionWaiting: 0),
        DeliveryLimits(queueDeadLetterBytes: 2_000, subscriptionWaiting: 0),
        DeliveryLimits(projectDeadLetterBytes: 2_000, subscriptionWaiting: 0),
    ])
    func `A flood of overflow drops no dead letter with a body, also of another queue`(limits: DeliveryLimits)
        async throws
    {
        try await withTestStore(shards: 1, limits: limits) { test in
            let (queue, other) = (try address("p", "q"), try address("p", "other"))
            let subscription = try await test.subscribe(to: queue)
            try await test.subscribe(to: other)
            try await self.endAsDeadLetters(8, in: queue, test)
            try await self.endAsDeadLetters(2, in: other, test)
            #expect(try await test.store.deliveries.pause(queue, subscription: subscription))
            for _ in 0..<3 {
                try await test.post((0..<100).map { "\($0)" }, to: queue)
                let taken = try await test.take()
                #expect(taken.overflowed == 100 && taken.droppedDeadLetters == 0)
                test.time.pass(seconds: 1)
            }
            let kept = try await self.deadLetters(queue, test)
            #expect(kept.filter(\.hasBody).count == 8)
            #expect((9...40).contains(kept.count), "some were kept within the bound")
            #expect(try await self.deadLetters(other, test).filter(\.hasBody).count == 2)
            let (sum, queues) = try await self.bytes(test)
            #expect(sum == queues)
        }
    }

    @Test(arguments: [
        DeliveryLimits(queueDeadLetters: 20), DeliveryLimits(queueDeadLetterBytes: 2_000),
        DeliveryLimits(projectDeadLetterBytes: 2_000),
    ])
    func `A flood of what expires while it waits drops no dead letter with a body`(limits: DeliveryLimits) async throws
    {
        try await withTestStore(shards: 1, limits: limits) { test in
            let queue = try address("p", "q")
            let subscriptions = [
                try await test.subscribe("http://a", to: queue), try await test.subscribe("http://b", to: queue),
            ]
            try await self.endAsDeadLetters(4, in: queue, test)
            for id in subscriptions { #expect(try await test.store.deliveries.pause(queue, subscription: id)) }
            try await test.post((0..<100).map { "\($0)" }, to: queue, ttl: 60)
            while try await test.take().more {}
            test.time.pass(seconds: 70)
            var (expired, dropped) = (0, 0)
            while true {
                let swept = try await test.store.deliveries.sweep(0)
                (expired, dropped) = (expired + swept.expired, dropped + swept.droppedDeadLetters)
                if !swept.more { break }
            }
            #expect(expired == 200 && dropped == 0)
            let kept = try await self.deadLetters(queue, test)
            #expect(kept.filter(\.hasBody).count == 8)
            #expect((9...40).contains(kept.count))
        }
    }

    @Test func `A project's bytes leave out a queue whose dead letters have outlived their time`() async throws {
        try await withTestStore(shards: 1) { test in
            let (old, queue) = (try address("p", "old"), try address("p", "q"))
            for queue in [old, queue] { try await test.subscribe(to: queue, ttl: 100_000_000) }
            try await self.endAsDeadLetters(3, in: old, test)
            // As Redis does when their time is over.
            for key in try await test.keys()
            where ["}:dead-letters:", "}:dead-letter-entries:", "}:dead-letter-records:"].contains(where: {
                key.contains($0)
            }) {
                _ = try await test.redis.command("DEL", key)
            }
            test.time.pass(seconds: 1_209_601)
            try await self.endAsDeadLetters(1, in: queue, test)
            let (sum, queues) = try await self.bytes(test)
            #expect(sum == queues && queues > 0)
        }
    }
}
