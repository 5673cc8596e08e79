import Domain
import Logging
import NIOPosix
import Redis
import Store
import TestKit
import Testing

struct DeliveryTests {
    @Test func `A lease carries all that an attempt needs`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let subscription = try await test.subscribe(to: queue)
            let ids = try await test.post([#"{"a": 1}"#], to: queue, ttl: 300, delay: 7)
            let lease = try #require(try await test.take().leases.first)
            #expect(lease.subscription == subscription && lease.queue == queue && lease.version == 1)
            #expect(lease.position == ids[0].position && lease.attempt == 1 && lease.ttl == 300 && lease.delay == 7)
            #expect(String(decoding: lease.body, as: UTF8.self) == #"{"a": 1}"#)
            #expect(lease.leasedUntil == test.time.now.adding(seconds: 15))
            #expect(lease.expiresAt == ids[0].position.createdAt.adding(seconds: 300))
            let deliveries = test.store.deliveries
            let id = deliveries.deliveryID(subscription: subscription, position: lease.position)
            #expect(id == deliveries.deliveryID(subscription: subscription, position: lease.position))
            #expect(id != deliveries.deliveryID(subscription: subscription, position: lease.position.advanced(by: 1)))
        }
    }

    @Test(arguments: ["0:1", "5:0", "5:-3", "5:9223372036854775807", "9007199254740992:1", "5:1:9223372036854775808"])
    func `A member that is no delivery of ours is left out and counted, and traps nothing`(member: String) async throws
    {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let subscription = try await test.subscribe(to: queue)
            try await test.post(["1"], to: queue)
            _ = try await test.take(capacity: 0)
            let keys = try await test.keys()
            let due = try #require(keys.first { $0.hasSuffix("due:\(subscription.text)") })
            try await test.redis.command("DEL", due)
            try await test.redis.command("ZADD", due, "0", member)
            // The record of the message stands behind any position, or the lease ends before it is looked at.
            let pay = try #require(keys.first { $0.hasSuffix("}:payloads") })
            let record = try #require(try await test.redis.command("HVALS", pay).array?.first?.bytes)
            let position = String(member.prefix { $0 != ":" })
            try await test.redis.command("HSET", pay, position, String(decoding: record, as: UTF8.self))
            let leased = try await test.store.deliveries.lease(
                0, allowance: LeaseAllowance(capacity: 100), lease: .seconds(15))
            #expect(leased.leases.isEmpty && leased.unreadable.count == 1 && leased.unreadable.leases.isEmpty)
        }
    }

    @Test func `A message of many leases is in a reply once, and a call leases 4 MiB to send`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(many: 50, to: queue)
            let bodies = ["a", "b"].map { "\"\(String(repeating: $0, count: 100_000))\"" }
            try await test.post(bodies, to: queue)
            #expect(try await test.take(capacity: 1000).leases.count == 42)
            func sent() async throws -> Int {
                let stats = try #require(try await test.redis.command("INFO", "stats").text)
                let line = try #require(
                    stats.split(separator: "\r\n").first { $0.hasPrefix("total_net_output_bytes:") })
                return try #require(Int(line.drop { $0 != ":" }.dropFirst()))
            }
            let before = try await sent()
            let leases = try await test.lease(capacity: 100)
            #expect(leases.count == 32, "of as many subscriptions as a call looks at")
            for (index, body) in bodies.enumerated() {
                let position = try #require(Set(leases.map(\.position)).sorted().dropFirst(index).first)
                #expect(leases.filter { $0.position == position }.allSatisfy { $0.body.elementsEqual(body.utf8) })
            }
            #expect(try await sent() - before < 300_000)
        }
    }

    @Test
    func `A call leases 4 MiB to send of one subscription, and of several events, and what is left comes at once`()
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let (one, many) = (try address("p", "one"), try address("p", "many"))
            try await test.subscribe(many: 1, to: one)
            let large = "\"\(String(repeating: "a", count: 1_000_000))\""
            try await test.post(Array(repeating: large, count: 8), to: one)
            _ = try await test.take(capacity: 0)
            let first = try await test.lease(capacity: 64)
            let second = try await test.lease(capacity: 64)
            #expect(first.count == 5 && second.count == 3)
            #expect(Set((first + second).map(\.position)).count == 8)
            #expect(try await test.settle(first + second, .delivered).allSatisfy { $0 })
            try await test.subscribe(many: 50, to: many)
            for _ in 0..<4 { try await test.post([String(large.dropLast(740_000)) + "\""], to: many) }
            let taken = try await test.take(capacity: 64).leases.count
            #expect(taken == 17)
            while try await test.take(capacity: 0).more {}
            #expect(try await test.lease(capacity: 64).count == 17)
        }
    }

    @Test func `What cannot be read of a reply keeps nothing else of it from being delivered`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let ids = try await test.subscribe(many: 3, to: queue)
            let posted = try await test.post(["1", "2"], to: queue)
            _ = try await test.take(capacity: 0)
            let pay = try #require(try await test.keys().first { $0.hasSuffix("}:payloads") })
            let headers = try #require(try await test.keys().first { $0.hasSuffix("}:subscription-headers") })
            // One message that no version wrote.
            try await test.redis.command("HSET", pay, "\(posted[0].position.value)", "x")
            let first = try await test.store.deliveries.lease(
                0, allowance: LeaseAllowance(capacity: 100), lease: .seconds(15))
            #expect(first.leases.map(\.position) == Array(repeating: posted[1].position, count: 3))
            #expect(first.unreadable.count == 3)
            #expect(Set(first.unreadable.leases.map(\.token.subscription)) == Set(ids))
            // It waits until a version comes that can read it, and delays nothing else.
            let waiting = first.unreadable.leases.map { Settlement($0.token, of: $0.queue, .postponed(.seconds(60))) }
            #expect(try await test.store.deliveries.settle(0, waiting).written == [true, true, true])
            #expect(try await test.settle(first.leases, .handedBack) == [true, true, true])
            // One subscription that no version wrote.
            let header = try #require(try await test.redis.command("HGET", headers, ids[0].text).text)
            try await test.redis.command("HSET", headers, ids[0].text, header.replacing("000001", with: "00000x"))
            test.time.pass(seconds: 60)
            try await test.post(["3"], to: queue)
            let taken = try await test.take()
            #expect(taken.leases.isEmpty && taken.unreadable == UnreadableRows(), "what waits is first")
            let leased = try await test.store.deliveries.lease(
                0, allowance: LeaseAllowance(capacity: 100), lease: .seconds(15))
            // Of two subscriptions the second message and the third, of the third subscription nothing.
            #expect(leased.leases.count == 4 && leased.leases.allSatisfy { $0.subscription != ids[0] })
            #expect(leased.unreadable.count == 5 && leased.unreadable.leases.count == 2)
            for lease in leased.leases { #expect(lease.position != posted[0].position) }
            #expect(try await test.settle(leased.leases, .delivered).allSatisfy { $0 })
            try await test.post(["4"], to: queue)
            let next = try await test.take()
            #expect(next.leases.allSatisfy { $0.subscription != ids[0] })
        }
    }

    @Test func `Messages posted before a subscription are none of its business`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let first = try await test.subscribe("http://first", to: queue)
            try await test.post(["before"], to: queue)
            let second = try await test.subscribe("http://second", to: queue)
            try await test.post(["after"], to: queue)
            let leases = try await test.take().leases
            #expect(leases.filter { $0.subscription == first }.count == 2)
            #expect(
                leases.filter { $0.subscription == second }.map { String(decoding: $0.body, as: UTF8.self) } == [
                    "after"
                ])
        }
    }

    @Test func `Only confirmed subscriptions are notified where that is asked for`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue)
            try await test.post(["1"], to: queue)
            let taken = try await test.store.deliveries.take(
                0, allowance: LeaseAllowance(capacity: 10), lease: .seconds(15), confirmedOnly: true)
            #expect(taken.leases.isEmpty && !taken.more)
            #expect(try await test.store.deliveries.status(of: [0]).first?.events == 0)
        }
    }

    @Test func `A retry is due when it was asked for, not a millisecond before`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue)
            try await test.post(["1"], to: queue)
            #expect(try await test.settle(try await test.take().leases, .retry(after: .seconds(5))) == [true])
            let due = try await test.store.deliveries.status(of: [0]).first?.nextDue
            #expect(due == test.time.now.adding(seconds: 5))
            test.time.pass(milliseconds: 4_999)
            #expect(try await test.lease().isEmpty)
            test.time.pass(milliseconds: 1)
            #expect(try await test.lease().map(\.attempt) == [2])
        }
    }

    @Test func `A dead letter keeps all that is needed to send it again`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p:1", "q")
            let subscription = try await test.subscribe(to: queue)
            let ids = try await test.post(["[1]"], to: queue, ttl: 300, delay: 3)
            let leases = try await test.take().leases
            #expect(try await test.settle(leases, .deadLetter(.refused, summary: "refused 404")) == [true])
            let deadLetters = try await test.store.deliveries.deadLetters(of: queue, limit: 10).deadLetters
            let deadLetter = try #require(deadLetters.first)
            #expect(deadLetters.count == 1)
            #expect(deadLetter.subscription == subscription && deadLetter.attempts == 1)
            #expect(deadLetter.position == ids[0].position && deadLetter.endedAt == test.time.now)
            #expect(deadLetter.reason == .refused && deadLetter.summary == "refused 404")
            let content = try #require(
                try await test.store.deliveries.deadLetter(
                    of: queue, subscription: subscription, position: deadLetter.position)
            ).content
            #expect(content.ttl == 300 && content.delay == 3 && Array(content.body) == Array("[1]".utf8))
        }
    }

    @Test
    func
        `A message on its way to many keeps those of other queues waiting no longer than a page, and its own queue in order`()
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let (wide, narrow) = (try address("p", "wide"), try address("q", "narrow"))
            try await test.subscribe(many: 50, to: wide)
            let quick = try await test.subscribe(to: narrow)
            try await test.post(["0"], to: wide)
            try await test.post(["1"], to: wide)
            try await test.post(["2"], to: narrow)
            var started: [String] = []
            var pages = 0
            var more = true
            while more {
                let taken = try await test.take(page: 10)
                started += taken.leases.map { String(decoding: $0.body, as: UTF8.self) }
                if taken.leases.contains(where: { $0.subscription == quick }) { #expect(pages <= 1) }
                (more, pages) = (taken.more, pages + 1)
            }
            #expect(pages >= 10)
            #expect(started.count { $0 == "0" } == 50 && started.count { $0 == "1" } == 50)
            #expect(started.count { $0 == "2" } == 1)
            let last = try #require(started.lastIndex(of: "0"))
            #expect(try #require(started.firstIndex(of: "1")) > last)
        }
    }

    @Test func `The window opens by one for each success, up to 64, and halves on failure`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue)
            for _ in 0..<6 { try await test.post((0..<100).map { "\($0)" }, to: queue) }
            var leases = try await test.take(page: 1000).leases
            #expect(leases.count == 8)
            for window in [16, 32, 64, 64] {
                _ = try await test.settle(leases, .delivered)
                leases = try await test.lease()
                #expect(leases.count == window)
            }
            // A batch with a failure in it halves once.
            _ = try await test.settle(Array(leases.prefix(4)), .retry(after: .seconds(100)))
            #expect(try await test.lease().isEmpty, "60 are out, and 32 may be")
            _ = try await test.settle(Array(leases.dropFirst(4).prefix(40)), .delivered)
            #expect(try await test.lease().count == 44, "20 were out, and 64 may be again")
        }
    }

    @Test func `A settlement leases what follows, as much as it may, and nothing when it came too late`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, deliveries) = (try address("p", "q"), test.store.deliveries)
            try await test.subscribe(to: queue)
            let ids = try await test.post((0..<30).map { "\($0)" }, to: queue)
            let first = try await test.take().leases
            let endings = first.map { Settlement($0, .delivered) }
            let settled = try await deliveries.settle(
                0, endings, allowance: LeaseAllowance(capacity: 10), lease: .seconds(15))
            #expect(settled.written == first.map { _ in true })
            let second = try #require(settled.leased)
            #expect(second.leases.map(\.position) == ids[8..<18].map(\.position), "of a window of 16")
            #expect(second.leases.allSatisfy { $0.leasedUntil == test.time.now.adding(seconds: 15) })
            #expect(second.more)
            let late = try await deliveries.settle(
                0, endings, allowance: LeaseAllowance(capacity: 10), lease: .seconds(15))
            #expect(late == Settled(written: first.map { _ in false }, leased: nil))
            let rest = try await deliveries.settle(
                0, second.leases.map { Settlement($0, .delivered) }, allowance: LeaseAllowance(capacity: 100),
                lease: .seconds(15))
            #expect(rest.leased?.leases.map(\.position) == ids[18...].map(\.position))
            #expect(rest.leased?.more == false && rest.leased?.nextDue == nil)
        }
    }

    @Test func `A failing subscriber is tried one at a time, and what its message's end did is not its fault`()
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue)
            try await test.post((0..<100).map { "\($0)" }, to: queue)
            var leases = try await test.take().leases
            for window in [4, 2, 1, 1] {
                for lease in leases.dropLast() { _ = try await test.settle([lease], .handedBack) }
                _ = try await test.settle(leases.suffix(1), .deadLetter(.exhausted, summary: "unreachable timeout"))
                leases = try await test.lease()
                #expect(leases.count == window)
            }
            _ = try await test.settle(leases, .delivered)
            leases = try await test.lease()
            #expect(leases.count == 2)
            _ = try await test.settle(leases, .deadLetter(.expired, summary: ""))
            #expect(try await test.lease().count == 2, "as before")
        }
    }

    @Test func `One event reaches thousands of subscribers page by page, each once`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let subscriptions = Set(try await test.subscribe(many: 1_203, to: queue))
            let ids = try await test.post(["1", "2"], to: queue)
            var seen: [String] = []
            var pages = 0
            while true {
                let taken = try await test.take()
                pages += 1
                seen += taken.leases.map { "\($0.subscription) \($0.position.value)" }
                _ = try await test.settle(taken.leases, .delivered)
                // What is subscribed meanwhile is not part of it.
                if pages == 2 { try await test.subscribe("http://late", to: queue) }
                if !taken.more { break }
            }
            #expect(pages >= 12)
            #expect(seen.count == 2 * subscriptions.count)
            #expect(Set(seen) == Set(subscriptions.flatMap { id in ids.map { "\(id) \($0.position.value)" } }))
            #expect(
                try await test.shardKeys().filter {
                    ["payloads", "payload-references", "fanout-pages", "leases", "fanout-projects", "payload-expiries"]
                        .contains($0)
                }
                .isEmpty)
        }
    }

    @Test func `Thousands of due subscriptions of one project do not starve another`() async throws {
        try await withTestStore(shards: 1) { test in
            let crowd = try address("crowd", "q")
            let small = try address("small", "q")
            try await test.subscribe(many: 5_000, to: crowd)
            try await test.post(["1"], to: crowd)
            while try await test.take(capacity: 0, page: 1000).more {}
            test.time.pass(milliseconds: 1)
            try await test.subscribe(many: 5, to: small)
            try await test.post(["1"], to: small)
            _ = try await test.take(capacity: 0)
            let leases = try await test.lease(capacity: 64)
            #expect(leases.filter { $0.queue == small }.count == 5)
            #expect(leases.filter { $0.queue == crowd }.count == 16)
        }
    }

    @Test func `A new delivery does not overtake one that is due already`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe(to: queue)
            try await test.post(["1"], to: queue)
            _ = try await test.take(capacity: 0)
            try await test.post(["2"], to: queue)
            #expect(try await test.take().leases.isEmpty)
            #expect(try await test.lease().map { String(decoding: $0.body, as: UTF8.self) } == ["1", "2"])
        }
    }

    @Test func `A post leaves a wake-up signal in its shard, once for those that wait`() async throws {
        try await withTestStore { test in
            let queue = try address("p", "q")
            try await test.post(["no subscriber"], to: queue)
            try await test.subscribe(to: queue)
            let connection = RedisBlockingConnection(
                url: RedisURL(test.redis.endpoint), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: quietLogger())
            #expect(try await test.store.wakeups[0].wait(on: connection, from: 3, for: .milliseconds(10)) == nil)
            async let signalled = test.store.wakeups[0].wait(on: connection, from: 15, for: .seconds(20))
            try await test.post(["1"], to: queue)
            try await test.post(["2"], to: queue)
            #expect(try await signalled == Shards(count: 16).shard(of: queue))
            await connection.shutDown()
        }
    }

    @Test func `A look tells what waits`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let nothing = try #require(try await test.store.deliveries.status(of: [0]).first)
            #expect(nothing.now == test.time.now && nothing.events == 0)
            #expect(nothing.nextDue == nil && nothing.oldestLease == nil && nothing.nextSweep == nil)
            try await test.subscribe(to: queue, ttl: 500)
            try await test.post(["1"], to: queue, ttl: 100)
            let look = try #require(try await test.store.deliveries.status(of: [0]).first)
            #expect(look.events == 1 && look.nextSweep == test.time.now.adding(seconds: 100))
        }
    }
}
