import Domain
import Store
import TestKit
import Testing

/// Metadata and subscriptions that change.
struct ChangeTests {
    @Test func `Changes of a queue's metadata at one time are all there in the end`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            _ = try await test.store.queues.create(queue, metadata: [], attributes: QueueAttributes())
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<10 {
                    group.addTask {
                        _ = try await test.store.queues.update(queue) { stored in
                            (stored + [UInt8(number)], QueueAttributes(messageTTLDefault: 60 + number))
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await test.store.queues.metadata(of: queue)?.sorted() == (0..<10).map { UInt8($0) })
        }
    }

    @Test func `What a change refuses is not written, and a missing queue has nothing to change`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let absent = try await test.store.queues.update(queue) { _ in ([1], QueueAttributes()) }
            #expect(absent == nil)
            _ = try await test.store.queues.create(
                queue, metadata: [7], attributes: QueueAttributes(messageTTLDefault: 99, encryptsMessages: true))
            await #expect(throws: Refusal.queueNameInvalid) {
                _ = try await test.store.queues.update(queue) { _ in throw Refusal.queueNameInvalid }
            }
            #expect(try await test.store.queues.metadata(of: queue) == [7])
            #expect(try await test.store.queues.traits(of: queue).encryptsMessages)
            try await test.post(["a"], to: queue, ttl: nil)
            _ = try await test.store.queues.update(queue) { _ in ([8], QueueAttributes()) }
            try await test.post(["b"], to: queue, ttl: nil)
            #expect(try await !test.store.queues.traits(of: queue).encryptsMessages)
            let messages = try await test.store.messages.list(
                queue, after: nil, limit: 9, hiding: nil, includeDelayed: true, includeClaimed: true)
            #expect(messages.map(\.ttl) == [99, 3600])
        }
    }

    @Test func `S-42: A subscriber is moved to an address that no other subscription of the queue has`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let first = try await test.subscribe("http://a/", to: queue)
            let second = try await test.subscribe("http://b/", to: queue)
            func update(_ id: SubscriptionID, _ uri: String) async throws -> SubscriptionUpdate {
                try await test.store.subscriptions.update(
                    queue, id: id, SubscriptionChange(subscriber: try Subscriber(uri)), resettingConfirmation: true)
            }
            #expect(try await update(second, "http://a/") == .taken)
            #expect(try await update(first, "http://a/") == .updated)
            #expect(try await update(first, "http://c/") == .updated)
            #expect(try await update(second, "http://a/") == .updated)
            #expect(try await update(second, "http://c/") == .taken)
            try await test.store.subscriptions.delete(queue, id: first)
            #expect(try await update(first, "http://d/") == .absent)
            #expect(try await update(second, "http://c/") == .updated)
            let all = try await test.store.subscriptions.list(queue, after: nil, limit: 9)
            #expect(all.map(\.subscriber) == ["http://c/"] && all.map(\.id) == [second])
        }
    }

    @Test func `S-46: A new ttl starts the life of a subscription anew, and each change its version`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe("http://a/", to: queue, ttl: 1000)
            let other = try address("p", "other")
            test.time.pass(seconds: 100)
            let change = SubscriptionChange(ttl: 60, options: Array(#"{"a":1}"#.utf8))
            #expect(
                try await test.store.subscriptions.update(other, id: id, change, resettingConfirmation: true)
                    == .absent)
            #expect(
                try await test.store.subscriptions.update(queue, id: id, change, resettingConfirmation: true)
                    == .updated)
            let changed = try #require(try await test.store.subscriptions.get(queue, id: id))
            #expect(changed.ttl == 60 && changed.age == 0 && changed.version == 2)
            #expect(changed.options == change.options && changed.subscriber == "http://a/")
            test.time.pass(seconds: 60)
            #expect(try await test.store.subscriptions.get(queue, id: id) == nil)
            #expect(try await test.store.subscriptions.list(queue, after: nil, limit: 9).isEmpty)
        }
    }

    @Test func `S-64: A subscription is confirmed, withdrawn, and unconfirmed by another address`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe("http://a/", to: queue)
            func confirmed() async throws -> Bool? {
                try await test.store.subscriptions.get(queue, id: id)?.confirmed
            }
            #expect(try await confirmed() == false)
            for value in [true, false, true] {
                #expect(try await test.store.subscriptions.confirm(queue, id: id, value))
                #expect(try await confirmed() == value)
            }
            let change = SubscriptionChange(subscriber: try Subscriber("http://b/"))
            #expect(
                try await test.store.subscriptions.update(queue, id: id, change, resettingConfirmation: true)
                    == .updated)
            #expect(try await confirmed() == false)
            try await test.store.subscriptions.delete(queue, id: id)
            #expect(try await !test.store.subscriptions.confirm(queue, id: id, true))
        }
    }

    @Test func `Q-94: A purge ends every subscription, and none of another queue`() async throws {
        try await withTestStore { test in
            let (queue, other) = (try address("p", "q"), try address("p", "other"))
            try await test.subscribe(to: other)
            for number in 0..<600 { try await test.subscribe("http://s\(number)/", to: queue) }
            try await test.store.subscriptions.purge(queue)
            #expect(try await test.store.subscriptions.list(queue, after: nil, limit: 9).isEmpty)
            #expect(try await test.store.subscriptions.list(other, after: nil, limit: 9).count == 1)
            try await test.sweepAll(shard: Shards(count: 16).shard(of: queue))
            try await test.subscribe("http://s1/", to: queue)
            #expect(try await test.store.subscriptions.list(queue, after: nil, limit: 9).count == 1)
        }
    }

    @Test func `Q-94: A purge frees the addresses of the subscriptions it ends`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.post(["1"], to: queue)
            let before = try await test.shardKeys()
            for name in ["a", "b", "c"] { try await test.subscribe("http://\(name)/", to: queue) }
            try await test.store.subscriptions.purge(queue)
            try await test.sweepAll()
            #expect(try await test.shardKeys() == before)
        }
    }

    @Test func `A subscription changes through its own queue alone, also where another one shares its shard`()
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let (queue, other) = (try address("p", "q"), try address("p", "other"))
            let id = try await test.subscribe("http://a/", to: queue)
            try await test.subscribe("http://a/", to: other)
            let before = try #require(try await test.store.subscriptions.get(queue, id: id))
            #expect(try await !test.store.subscriptions.confirm(other, id: id, true))
            #expect(try await test.store.subscriptions.rotateSecret(other, id: id, overlap: 0) == nil)
            #expect(try await !test.store.deliveries.pause(other, subscription: id))
            #expect(try await !test.store.deliveries.resume(other, subscription: id))
            try await test.store.subscriptions.delete(other, id: id)
            let after = try #require(try await test.store.subscriptions.get(queue, id: id))
            #expect(after.confirmed == before.confirmed && after.version == before.version)
            #expect(try await test.store.subscriptions.get(other, id: id) == nil)
        }
    }
}
