import Domain
import Store
import TestKit
import Testing

/// What a lease knows of its queue, and how recipients are read.
struct QueuePolicyTests {
    private var policy: RetryPolicy {
        var policy = RetryPolicy()
        (policy.retriesWithoutDelay, policy.minimumDelayRetries, policy.maximumDelayRetries) = (1, 2, 4)
        (policy.delayMin, policy.delayMax, policy.backoff, policy.ignoresSubscriptions) = (6, 70, .geometric, true)
        return policy
    }

    private func create(_ test: TestStore, _ queue: QueueAddress, _ policy: RetryPolicy?) async throws {
        _ = try await test.store.queues.create(
            queue, metadata: Array("{}".utf8), attributes: QueueAttributes(retryPolicy: policy))
    }

    @Test func `A first lease brings the policy of the queue, and so does every later one`() async throws {
        try await withTestStore(shards: 1) { test in
            let (strict, plain) = (try address("p", "strict"), try address("p", "plain"))
            try await self.create(test, strict, self.policy)
            for queue in [strict, plain] {
                try await test.subscribe(to: queue)
                try await test.post(["1", "2"], to: queue)
            }
            let taken = try await test.take(capacity: 3).leases
            #expect(taken.count == 3)
            for lease in taken { #expect(lease.queuePolicy == (lease.queue == strict ? self.policy : nil)) }
            _ = try await test.settle(taken, .retry(after: .zero))
            let leased = try await test.lease()
            #expect(leased.count == 4)
            for lease in leased { #expect(lease.queuePolicy == (lease.queue == strict ? self.policy : nil)) }
        }
    }

    @Test(arguments: [[], [0], [5, 300, 86_400], Array(repeating: 86_400, count: 100)])
    func `A policy of named waits is in every lease`(waits: [Int]) async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            var policy = RetryPolicy(waits: waits)
            policy.ignoresSubscriptions = waits.count == 1
            try await self.create(test, queue, policy)
            try await test.subscribe(to: queue)
            try await test.post(["1"], to: queue)
            #expect(try await test.take().leases.map(\.queuePolicy) == [policy])
        }
    }

    @Test func `A policy that changes is in the next lease, and gone with its queue`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await self.create(test, queue, self.policy)
            try await test.subscribe(to: queue)
            try await test.post(["1"], to: queue)
            _ = try await test.settle(try await test.take().leases, .retry(after: .zero))
            var changed = self.policy
            changed.backoff = .exponential
            _ = try await test.store.queues.update(queue) { ($0, QueueAttributes(retryPolicy: changed)) }
            let second = try await test.lease()
            #expect(second.map(\.queuePolicy) == [changed])
            _ = try await test.settle(second, .retry(after: .zero))
            _ = try await test.store.queues.update(queue) { ($0, QueueAttributes()) }
            let third = try await test.lease()
            #expect(third.map(\.queuePolicy) == [nil])
            _ = try await test.settle(third, .retry(after: .zero))
            _ = try await test.store.queues.update(queue) { ($0, QueueAttributes(retryPolicy: changed)) }
            try await test.store.queues.delete(queue)
            #expect(try await test.lease().map(\.queuePolicy) == [nil])
        }
    }

    @Test func `A policy in Redis that no queue can have keeps its deliveries from being read, and ends nothing else`()
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await self.create(test, queue, self.policy)
            let key = "herald:{\(Shards(count: 1).tags[0])}:queue:1:p:q:meta"
            for record in [
                "0 0 0 30 0 geometric 0", "0 0 0 30 0 exponential 0", "0 0 6 5 0 linear 0", "0 0 5 30 0 x 0",
                "0 0 5 30 0 linear 2", "schedule 5,x 0", "schedule  0", "schedule 5,,6 0", "schedule 86401 0",
                "schedule 5 0 0",
                "schedule 5 -", "other 5 0",
            ] {
                try await test.redis.command("HSET", key, "retry-policy", record)
                let id = try await test.subscribe(to: queue)
                try await test.post(["1"], to: queue)
                let taken = try await test.take()
                #expect(taken.leases.isEmpty && taken.unreadable.count == 1, "\(record)")
                // A window holds few of them.
                try await test.store.subscriptions.delete(queue, id: id)
            }
        }
    }

    @Test func `Recipients of a shard are read together, the living ones`() async throws {
        try await withTestStore(shards: 1) { test in
            let (first, second) = (try address("p", "a"), try address("r", "b"))
            let ids = try await test.subscribe(many: 150, to: first)
            let other = try await test.subscribe("http://other", to: second)
            let short = try await test.subscribe("http://short", to: first, ttl: 60)
            try await test.store.subscriptions.delete(first, id: ids[7])
            test.time.pass(seconds: 61)
            let unknown = try #require(SubscriptionID(String(other.text.reversed())))
            let read = try await test.store.subscriptions.read(
                ids + [unknown, other, short], in: 0, orEnded: false)
            #expect(Set(read.subscriptions.keys) == Set(ids + [other]).subtracting([ids[7]]))
            #expect(read.subscriptions[other]?.subscriber == "http://other")
            #expect(read.subscriptions.values.allSatisfy { $0.version == 1 } && read.unreadable.isEmpty)
            #expect(try await test.store.subscriptions.read([], in: 0, orEnded: false).subscriptions.isEmpty)
        }
    }

    @Test func `A subscription that cannot be read keeps no other from being read`() async throws {
        try await withTestStore(shards: 1) { test in
            let ids = try await test.subscribe(many: 3, to: try address("p", "a"))
            let records = try #require(try await test.keys().first { $0.hasSuffix("}:subscriptions") })
            try await test.redis.command("HSET", records, ids[1].text, "what no version wrote")
            let read = try await test.store.subscriptions.read(ids, in: 0, orEnded: false)
            #expect(Set(read.subscriptions.keys) == [ids[0], ids[2]] && read.unreadable == [ids[1]])
        }
    }
}
