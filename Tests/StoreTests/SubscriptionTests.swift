import Domain
import Redis
import Store
import TestKit
import Testing

struct SubscriptionTests {
    private let uri = "http://127.0.0.1:9/in?a=b c"

    private func create(
        _ house: TestHouse, _ queue: QueueAddress, uri: String? = nil, ttl: Int = 100
    ) async throws -> (id: SubscriptionID, outcome: SubscribeOutcome) {
        try await house.store.subscriptions.create(
            queue, subscriber: try Subscriber(uri ?? self.uri), ttl: ttl, options: Array(#"{"a" : "b c"}"#.utf8))
    }

    @Test func `A subscription is read as it was written`() async throws {
        try await withHouse { house in
            let queue = try address("p", "q")
            let (id, outcome) = try await self.create(house, queue)
            #expect(outcome == .created)
            house.time.pass(milliseconds: 2_500)
            let read = try #require(try await house.store.subscriptions.get(queue, id: id))
            #expect(read.id == id && read.queue == queue.name && read.subscriber == self.uri)
            #expect(read.ttl == 100 && read.age == 2 && !read.confirmed && read.version == 1)
            #expect(String(decoding: read.options, as: UTF8.self) == #"{"a" : "b c"}"#)
            #expect(try await house.store.subscriptions.list(queue, after: nil, limit: 10) == [read])
            #expect(try await house.store.queues.metadata(of: queue) == Array("{}".utf8), "it made the queue")
            #expect(try await house.store.queues.list(of: queue.project, after: nil, limit: 10).count == 1)
        }
    }

    @Test func `An address is subscribed to a queue once`() async throws {
        try await withHouse { house in
            let queue = try address("p", "q")
            let first = try await self.create(house, queue)
            let again = try await self.create(house, queue, ttl: 5000)
            #expect(again.id == first.id && again.outcome == .exists(confirmed: false))
            #expect(try await house.store.subscriptions.get(queue, id: first.id)?.ttl == 100)
            let elsewhere = try await self.create(house, try address("p", "q2"))
            #expect(elsewhere.id != first.id && elsewhere.outcome == .created)
        }
    }

    @Test func `It ends to the millisecond, and its address is free at once`() async throws {
        try await withHouse(shards: 1) { house in
            let queue = try address("p", "q")
            let first = try await self.create(house, queue)
            house.time.pass(milliseconds: 99_999)
            #expect(try await house.store.subscriptions.get(queue, id: first.id) != nil)
            house.time.pass(milliseconds: 1)
            #expect(try await house.store.subscriptions.get(queue, id: first.id) == nil)
            #expect(try await house.store.subscriptions.list(queue, after: nil, limit: 10).isEmpty)
            let second = try await self.create(house, queue)
            #expect(second.outcome == .created && second.id != first.id)
            // The sweep removes the first, and leaves the address to the second.
            try await house.sweepAll()
            #expect(try await self.create(house, queue).id == second.id)
            #expect(try await house.store.subscriptions.list(queue, after: nil, limit: 10).map(\.id) == [second.id])
            house.time.pass(seconds: 101)
            try await house.sweepAll()
            #expect(try await house.shardKeys().allSatisfy { $0 == "last-position" || $0.hasSuffix(":meta") })
        }
    }

    @Test func `Pages follow the order of creation, without those that have ended`() async throws {
        try await withHouse { house in
            let queue = try address("p", "q")
            var ids: [SubscriptionID] = []
            for number in 0..<15 { ids.append(try await self.create(house, queue, uri: "http://\(number)").id) }
            #expect(ids.map(\.text) == ids.map(\.text).sorted())
            try await house.store.subscriptions.delete(queue, id: ids[3])
            let page = try await house.store.subscriptions.list(queue, after: nil, limit: 10).map(\.id)
            #expect(page == Array(ids[0..<3] + ids[4..<11]))
            #expect(
                try await house.store.subscriptions.list(queue, after: page.last, limit: 10).map(\.id)
                    == Array(ids[11...]))
            #expect(
                try await house.store.subscriptions.list(queue, after: ids[3], limit: 2).map(\.id) == Array(ids[4...5]),
                "a marker outlives its subscription")
        }
    }

    @Test func `A page is full although more than one call's worth before it has expired`() async throws {
        try await withHouse { house in
            let queue = try address("p", "q")
            try await house.subscribe(many: 1_200, to: queue, ttl: 60)
            let last = try await self.create(house, queue, ttl: 1000).id
            house.time.pass(seconds: 61)
            #expect(try await house.store.subscriptions.list(queue, after: nil, limit: 2).map(\.id) == [last])
        }
    }

    @Test func `Another queue neither sees nor ends it`() async throws {
        try await withHouse(shards: 1) { house in
            let queue = try address("p", "q")
            let id = try await self.create(house, queue).id
            for other in [try address("p", "q2"), try address("p2", "q")] {
                #expect(try await house.store.subscriptions.get(other, id: id) == nil)
                try await house.store.subscriptions.delete(other, id: id)
            }
            #expect(try await house.store.subscriptions.get(queue, id: id) != nil)
        }
    }

    @Test func `It outlives its queue`() async throws {
        try await withHouse(shards: 1) { house in
            let queue = try address("p", "q")
            let id = try await self.create(house, queue).id
            try await house.store.queues.delete(queue)
            #expect(try await house.store.subscriptions.get(queue, id: id) != nil)
            try await house.post(["1"], to: queue)
            #expect(try await house.take().leases.map(\.subscription) == [id])
        }
    }

    @Test func `Ending one with a backlog leaves nothing behind, and no attempt is lost track of`() async throws {
        try await withHouse(shards: 1) { house in
            let queue = try address("p", "q")
            let id = try await self.create(house, queue, ttl: 1_000_000).id
            let other = try await self.create(house, queue, uri: "http://other", ttl: 1_000_000).id
            for _ in 0..<12 { try await house.post((0..<100).map { "\($0)" }, to: queue) }
            var leases: [Lease] = []
            while true {
                let taken = try await house.take()
                leases += taken.leases
                if !taken.more { break }
            }
            #expect(Set(leases.map(\.subscription)) == [id, other])
            try await house.store.subscriptions.delete(queue, id: id)
            try await house.store.subscriptions.delete(queue, id: other)
            #expect(try await house.lease().isEmpty, "what waits for it is never handed out")
            try await house.sweepAll()
            // Half of the attempts still come back, and half of these wish for another; the rest lapse.
            _ = try await house.settle(Array(leases.prefix(4)), .retry(after: .seconds(1)))
            _ = try await house.settle(Array(leases.dropFirst(4).prefix(4)), .handedBack)
            house.time.pass(seconds: 16)
            _ = try await house.store.deliveries.reap(0)
            house.time.pass(seconds: 2)
            try await house.sweepAll()
            house.time.pass(seconds: 4000)
            try await house.sweepAll()
            #expect(try await house.lease().isEmpty)
            let left = try await house.shardKeys().filter {
                !["last-position", "wakeup"].contains($0) && !$0.hasSuffix(":meta")
            }
            #expect(left.isEmpty)
        }
    }
}
