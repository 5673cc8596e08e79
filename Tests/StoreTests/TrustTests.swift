import Domain
import NIOCore
import Redis
import Store
import TestKit
import Testing

/// The trusts that were made for subscriptions, until they are removed.
struct TrustTests {
    private static let options = Array(#"{"trust_id": "one"}"#.utf8)

    private func trust(_ text: String) throws -> TrustID { try #require(TrustID(text)) }

    private func subscribe(
        _ test: TestStore, to queue: QueueAddress, trust: TrustID?, ttl: Int = 600, _ uri: String = "trust+http://a/"
    ) async throws -> SubscriptionID {
        try await test.store.subscriptions.create(
            queue, subscriber: try Subscriber(uri), ttl: ttl, options: Self.options, pace: Pace(), trust: trust
        ).id
    }

    private func ended(_ test: TestStore) async throws -> [String] {
        try await test.store.trusts.take().map { "\($0.trust) \($0.tries)" }
    }

    @Test func `A trust is to be removed once its subscription has ended, by its end, a caller or a purge`()
        async throws
    {
        try await withTestStore(shards: 1) { test async throws in
            let queue = try address("p", "q")
            let one = try await self.subscribe(test, to: queue, trust: try self.trust("one"))
            #expect(try await test.store.trusts.made(for: one, of: queue) == (try self.trust("one")))
            // Again: another trust was made for nothing, and is not written down.
            #expect(try await self.subscribe(test, to: queue, trust: try self.trust("late")) == one)
            #expect(try await test.store.trusts.made(for: one, of: queue) == (try self.trust("one")))
            let two = try await self.subscribe(test, to: queue, trust: try self.trust("two"), "trust+http://b/")
            _ = try await self.subscribe(test, to: queue, trust: try self.trust("three"), ttl: 60, "trust+http://c/")
            _ = try await self.subscribe(test, to: queue, trust: nil, "trust+http://d/")
            try await test.sweepAll()
            #expect(try await self.ended(test) == [])
            try await test.store.subscriptions.delete(queue, id: two)
            try await test.sweepAll()
            #expect(try await self.ended(test) == ["two 1"])
            test.time.pass(seconds: 61)
            try await test.sweepAll()
            #expect(try await self.ended(test).sorted() == ["three 1", "two 2"])
            try await test.store.subscriptions.purge(queue)
            try await test.sweepAll()
            #expect(try await self.ended(test) == ["one 1"])
            #expect(try await test.store.trusts.made(for: one, of: queue) == nil)
        }
    }

    @Test func `A trust that another one replaces is removed a minute later`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let queue = try address("p", "q")
            let id = try await self.subscribe(test, to: queue, trust: try self.trust("one"))
            let version = try #require(try await test.store.subscriptions.get(queue, id: id)).version
            var change = SubscriptionChange(options: Self.options)
            change.trust = .made(try self.trust("two"))
            change.version = version + 1
            let update = { (change: SubscriptionChange) in
                try await test.store.subscriptions.update(queue, id: id, change, resettingConfirmation: false)
            }
            #expect(try await update(change) == .changed)
            #expect(try await test.store.trusts.made(for: id, of: queue) == (try self.trust("one")))
            change.version = version
            #expect(try await update(change) == .updated)
            #expect(try await test.store.trusts.made(for: id, of: queue) == (try self.trust("two")))
            #expect(try await self.ended(test) == [])
            test.time.pass(seconds: 60)
            #expect(try await self.ended(test) == ["one 1"])
            change.version = nil
            change.trust = .ends
            #expect(try await update(change) == .updated)
            #expect(try await test.store.trusts.made(for: id, of: queue) == nil)
        }
    }

    @Test func `Options that change without a pace keep the one there is`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let queue = try address("p", "q")
            let pace = Pace(isOrdered: true, maxPerSecond: 7)
            let id = try await test.store.subscriptions.create(
                queue, subscriber: try Subscriber("http://a/"), ttl: 600, options: Self.options, pace: pace
            ).id
            let header = { try await test.redis.command("HGET", test.key("subscription-headers"), id.text).text }
            let before = try await header()?.dropFirst(17).prefix(15)
            for (given, stays) in [(Pace?.none, true), (Pace(), false)] {
                let change = SubscriptionChange(options: Array("{}".utf8), pace: given)
                _ = try await test.store.subscriptions.update(queue, id: id, change, resettingConfirmation: false)
                let now = try await header()?.dropFirst(17).prefix(15)
                #expect((now == before) == stays)
            }
        }
    }

    @Test func `What is not finished comes again, less and less often, for about a day`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let queue = try address("p", "q")
            let id = try await self.subscribe(test, to: queue, trust: try self.trust("one"))
            try await test.store.subscriptions.delete(queue, id: id)
            try await test.sweepAll()
            var waits: [Int] = []
            var tries = 0
            for second in 0..<200_000 where second % 60 == 0 {
                for ended in try await test.store.trusts.take() {
                    tries += 1
                    #expect(ended.tries == tries && ended.isLastTry == (tries == 30))
                    waits.append(second)
                }
                test.time.pass(seconds: 60)
                if tries == 30 { break }
            }
            #expect(waits.prefix(5) == [0, 60, 180, 420, 900] && waits.count == 30)
            #expect((80_000...100_000).contains(waits.last ?? 0), "\(waits)")
            #expect(try await test.redis.command("EXISTS", test.key("ended-trusts")).int == 0)
        }
    }

    @Test func `A planned removal is off once a subscription is stored with the trust, and due otherwise`() async throws
    {
        try await withTestStore(shards: 1) { test async throws in
            let queue = try address("p", "q")
            for name in ["one", "two", "late"] { try await test.store.trusts.plan(try self.trust(name), of: queue) }
            let id = try await self.subscribe(test, to: queue, trust: try self.trust("one"))
            // It is there already: what was made for nothing stays planned.
            #expect(try await self.subscribe(test, to: queue, trust: try self.trust("late")) == id)
            var change = SubscriptionChange(options: Self.options)
            change.trust = .made(try self.trust("two"))
            _ = try await test.store.subscriptions.update(queue, id: id, change, resettingConfirmation: false)
            #expect(try await self.ended(test) == [])
            test.time.pass(seconds: 60)
            #expect(try await self.ended(test) == ["one 1"])
            test.time.pass(seconds: 540)
            #expect(Set(try await self.ended(test)) == ["late 1", "one 2"])
        }
    }

    @Test func `What is finished does not come again, also while Redis has no memory left`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let queue = try address("p", "q")
            let id = try await self.subscribe(test, to: queue, trust: try self.trust("one"))
            try await test.redis.command("CONFIG", "SET", "maxmemory", "1")
            try await test.store.subscriptions.delete(queue, id: id)
            try await test.sweepAll()
            let ended = try #require(try await test.store.trusts.take().first)
            try await test.store.trusts.finish(ended)
            test.time.pass(seconds: 3600)
            #expect(try await self.ended(test) == [])
        }
    }

    @Test func `A store of format 1 keeps the hops of a message, and no trace, which the version before cannot read`()
        async throws
    {
        try await withRedisClient { redis, pool async throws in
            let time = MovableTime.standing()
            let store = try await Store.open(
                on: pool, shards: 1, clock: .manual { time.now }, newFormat: 1, logger: quietLogger())
            let test = TestStore(redis: redis, servers: [redis], pool: pool, store: store, time: time)
            let queue = try address("p", "q")
            _ = try await test.subscribe(to: queue)
            var draft = MessageDraft(ttl: 60, body: .init(string: "1"))
            draft.provenance = Provenance(hops: 5, trace: TraceContext(bytes: UInt8(1)...25))
            _ = try await store.messages.post(
                [draft], to: queue, by: try client(), requestBytes: 1, defaults: PostDefaults(ttl: 60),
                expecting: QueueTraits(encryptsMessages: false))
            #expect(try await test.take().leases.map(\.provenance) == [Provenance(hops: 5)])
        }
    }

    @Test func `A message keeps the way it came, with everything else it has`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let queue = try address("p", "q")
            _ = try await test.subscribe(to: queue)
            let checksum = Array(repeating: UInt8(7), count: 16)
            var drafts = [MessageDraft(ttl: 60, delay: 5, body: .init(string: "1"), checksum: checksum)]
            drafts.append(MessageDraft(ttl: 60, body: .init(string: "2"), isSealed: true))
            drafts.append(MessageDraft(ttl: 60, body: .init(string: "3")))
            let trace = TraceContext(bytes: UInt8(1)...25)
            // 200 without a trace: as the version before wrote it, which had no traces.
            let ways = [Provenance(hops: 200), Provenance(hops: 255, trace: trace), .none]
            for (index, way) in ways.enumerated() { drafts[index].provenance = way }
            _ = try await test.store.messages.post(
                drafts, to: queue, by: try client(), requestBytes: 1,
                defaults: PostDefaults(ttl: 60), expecting: QueueTraits(encryptsMessages: false))
            let leases = try await test.take().leases
            #expect(leases.map(\.provenance) == ways && leases.allSatisfy { $0.kind == .notification })
            #expect(leases.map(\.checksum) == [checksum, nil, nil] && leases.map(\.isSealed) == [false, true, false])
            #expect(leases.map { String(decoding: $0.body, as: UTF8.self) } == ["1", "2", "3"])
            #expect(leases.first?.delay == 5)
        }
    }
}
