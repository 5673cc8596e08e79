import Domain
import Redis
import Store
import TestKit
import Testing

struct SubscriptionTests {
    private let uri = "http://127.0.0.1:9/in?a=b c"

    private func create(
        _ test: TestStore, _ queue: QueueAddress, uri: String? = nil, ttl: Int = 100
    ) async throws -> (id: SubscriptionID, outcome: SubscribeOutcome) {
        try await test.store.subscriptions.create(
            queue, subscriber: try Subscriber(uri ?? self.uri), ttl: ttl, options: Array(#"{"a" : "b c"}"#.utf8))
    }

    @Test func `A subscription is read as it was written`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let (id, outcome) = try await self.create(test, queue)
            #expect(outcome == .created)
            test.time.pass(milliseconds: 2_500)
            let read = try #require(try await test.store.subscriptions.get(queue, id: id))
            #expect(read.id == id && read.queue == queue.name && read.subscriber == self.uri)
            #expect(read.ttl == 100 && read.age == 2 && !read.confirmed && read.version == 1)
            #expect(String(decoding: read.options, as: UTF8.self) == #"{"a" : "b c"}"#)
            #expect(try await test.store.subscriptions.list(queue, after: nil, limit: 10) == [read])
            #expect(try await test.store.queues.metadata(of: queue) == Array("{}".utf8), "it made the queue")
            #expect(try await test.listQueues(of: queue.project, after: nil, limit: 10).count == 1)
        }
    }

    @Test func `An address is subscribed to a queue once`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            let first = try await self.create(test, queue)
            let again = try await self.create(test, queue, ttl: 5000)
            #expect(again.id == first.id && again.outcome == .exists(confirmed: false))
            #expect(try await test.store.subscriptions.get(queue, id: first.id)?.ttl == 100)
            let elsewhere = try await self.create(test, try address("p", "q2"))
            #expect(elsewhere.id != first.id && elsewhere.outcome == .created)
        }
    }

    @Test func `It ends to the millisecond, and its address is free at once`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let first = try await self.create(test, queue)
            test.time.pass(milliseconds: 99_999)
            #expect(try await test.store.subscriptions.get(queue, id: first.id) != nil)
            test.time.pass(milliseconds: 1)
            #expect(try await test.store.subscriptions.get(queue, id: first.id) == nil)
            #expect(try await test.store.subscriptions.list(queue, after: nil, limit: 10).isEmpty)
            let second = try await self.create(test, queue)
            #expect(second.outcome == .created && second.id != first.id)
            // The sweep removes the first, and leaves the address to the second.
            try await test.sweepAll()
            #expect(try await self.create(test, queue).id == second.id)
            #expect(try await test.store.subscriptions.list(queue, after: nil, limit: 10).map(\.id) == [second.id])
            test.time.pass(seconds: 101)
            try await test.sweepAll()
            #expect(try await test.shardKeys().allSatisfy { $0 == "last-position" || $0.hasSuffix(":meta") })
        }
    }

    @Test func `Pages follow the order of creation, without those that have ended`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            var ids: [SubscriptionID] = []
            for number in 0..<15 { ids.append(try await self.create(test, queue, uri: "http://\(number)").id) }
            #expect(ids.map(\.text) == ids.map(\.text).sorted())
            try await test.store.subscriptions.delete(queue, id: ids[3])
            let page = try await test.store.subscriptions.list(queue, after: nil, limit: 10).map(\.id)
            #expect(page == Array(ids[0..<3] + ids[4..<11]))
            #expect(
                try await test.store.subscriptions.list(queue, after: page.last, limit: 10).map(\.id)
                    == Array(ids[11...]))
            #expect(
                try await test.store.subscriptions.list(queue, after: ids[3], limit: 2).map(\.id) == Array(ids[4...5]),
                "a marker outlives its subscription")
        }
    }

    @Test func `A page is full although more than one call's worth before it has expired`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            try await test.subscribe(many: 1_200, to: queue, ttl: 60)
            let last = try await self.create(test, queue, ttl: 1000).id
            test.time.pass(seconds: 61)
            #expect(try await test.store.subscriptions.list(queue, after: nil, limit: 2).map(\.id) == [last])
        }
    }

    @Test func `Another queue neither sees nor ends it`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await self.create(test, queue).id
            for other in [try address("p", "q2"), try address("p2", "q")] {
                #expect(try await test.store.subscriptions.get(other, id: id) == nil)
                try await test.store.subscriptions.delete(other, id: id)
            }
            #expect(try await test.store.subscriptions.get(queue, id: id) != nil)
        }
    }

    @Test func `It outlives its queue`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await self.create(test, queue).id
            try await test.store.queues.delete(queue)
            #expect(try await test.store.subscriptions.get(queue, id: id) != nil)
            try await test.post(["1"], to: queue)
            #expect(try await test.take().leases.map(\.subscription) == [id])
        }
    }

    @Test func `Ending one with a backlog leaves nothing behind, and no attempt is lost track of`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await self.create(test, queue, ttl: 1_000_000).id
            let other = try await self.create(test, queue, uri: "http://other", ttl: 1_000_000).id
            for _ in 0..<12 { try await test.post((0..<100).map { "\($0)" }, to: queue) }
            var leases: [Lease] = []
            while true {
                let taken = try await test.take()
                leases += taken.leases
                if !taken.more { break }
            }
            #expect(Set(leases.map(\.subscription)) == [id, other])
            try await test.store.subscriptions.delete(queue, id: id)
            try await test.store.subscriptions.delete(queue, id: other)
            #expect(try await test.lease().isEmpty, "what waits for it is never handed out")
            try await test.sweepAll()
            // Half of the attempts still come back, and half of these ask for another; the rest lapse.
            _ = try await test.settle(Array(leases.prefix(4)), .retry(after: .seconds(1)))
            _ = try await test.settle(Array(leases.dropFirst(4).prefix(4)), .handedBack)
            test.time.pass(seconds: 16)
            _ = try await test.store.deliveries.reap(0)
            test.time.pass(seconds: 2)
            try await test.sweepAll()
            test.time.pass(seconds: 4000)
            try await test.sweepAll()
            #expect(try await test.lease().isEmpty)
            let left = try await test.shardKeys().filter {
                !["last-position", "wakeup"].contains($0) && !$0.hasSuffix(":meta")
            }
            #expect(left.isEmpty)
        }
    }
}
