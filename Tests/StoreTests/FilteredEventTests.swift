import Domain
import Redis
import Store
import TestKit
import Testing

/// Events of queues whose subscriptions have filter policies: how far they go, and what is asked for.
struct FilteredEventTests {
    private static let filtered = Pace(isFiltered: true)

    /// Takes until nothing is left, with a verdict on everything that is asked for.
    ///
    /// - Returns: The leases, and how many calls that took.
    private func takeAll(
        _ test: TestStore, page: Int = 200, _ isWanted: (UndecidedEvent.Recipient, String) -> Bool
    ) async throws -> (leases: [Lease], calls: Int) {
        var (leases, verdicts, calls) = ([Lease](), [EventVerdicts](), 0)
        while true {
            let taken = try await self.take(test, page: page, verdicts)
            calls += 1
            leases += taken.leases
            verdicts = taken.undecided.map { $0.judged(isWanted) }
            guard taken.more else { return (leases, calls) }
        }
    }

    private func take(
        _ test: TestStore, page: Int = 200, _ verdicts: [EventVerdicts] = []
    ) async throws -> Taken {
        try await test.store.deliveries.take(
            0, events: 16, allowance: LeaseAllowance(capacity: 1000), page: page, lease: .seconds(15),
            confirmedOnly: false,
            verdicts: verdicts)
    }

    @Test(arguments: StorageBackend.servers)
    func `An event waits for the verdicts of its policies, and what they refuse leaves nothing`(
        backend: StorageBackend
    ) async throws {
        try await backend.withServers(shards: 1) { test in
            let queue = try address("p", "q")
            let plain = try await test.subscribe("http://plain", to: queue)
            let chosen = try await test.subscribe("http://chosen", to: queue, pace: Self.filtered)
            try await test.post(["1", "2"], to: queue)
            try await test.post(["3"], to: queue)

            // What lies in front of the first policy goes out; the second event is asked about already.
            let first = try await self.take(test)
            #expect(first.leases.map(\.subscription) == [plain, plain] && first.more)
            #expect(
                first.undecided.map { $0.messages.map { $0.map { String(decoding: $0.body, as: UTF8.self) } } } == [
                    ["1", "2"], ["3"],
                ])
            #expect(first.undecided.allSatisfy { $0.recipients.map(\.subscription) == [chosen] && $0.queue == queue })

            let verdicts = first.undecided.map { $0.judged { $1 == "2" } }
            let second = try await self.take(test, verdicts)
            #expect(second.leases.map(\.subscription) == [chosen, plain] && !second.more && second.undecided.isEmpty)
            #expect(second.leases.map { String(decoding: $0.body, as: UTF8.self) } == ["2", "3"])
            let written = try await test.settle(first.leases + second.leases, .delivered)
            #expect(written.allSatisfy { $0 })
            let left = try await test.shardKeys().filter {
                $0 == "payloads" || $0 == "payload-references" || $0.hasPrefix("due:")
            }
            #expect(left.isEmpty)
        }
    }

    @Test func `A verdict counts for one event, also where the policy is changed before it is used`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue, pace: Self.filtered)
            func change(_ pace: Pace) async throws {
                let change = SubscriptionChange(options: Array("{}".utf8), pace: pace)
                #expect(
                    try await test.store.subscriptions.update(queue, id: id, change, resettingConfirmation: false)
                        == .updated)
            }
            // However often it is changed: nothing is asked for again and again.
            for _ in 0..<3 {
                try await test.post(["1"], to: queue)
                let asked = try await self.take(test).undecided
                #expect(asked.count == 1)
                try await change(Self.filtered)
                let taken = try await self.take(test, asked.map { $0.judged { _, _ in true } })
                #expect(taken.leases.count == 1 && taken.undecided.isEmpty)
            }
            try await test.post(["1"], to: queue)
            let before = try await self.take(test).undecided.map { $0.judged { _, _ in false } }
            #expect(try await self.take(test, before).leases.isEmpty)
            // Of another event they say nothing.
            try await test.post(["2"], to: queue)
            let other = try await self.take(test, before)
            #expect(other.leases.isEmpty && other.undecided.map { $0.recipients.map(\.version) } == [[4]])
            // Without a policy nothing is asked for.
            try await change(Pace())
            #expect(try await self.take(test).leases.count == 1)
        }
    }

    @Test func `An event of many subscriptions with policies takes one call more than pages`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            var ids: [SubscriptionID] = []
            for number in 0..<250 {
                ids.append(try await test.subscribe("http://\(number)", to: queue, pace: Self.filtered))
            }
            let wanted = Set(ids.enumerated().filter { $0.offset.isMultiple(of: 3) }.map(\.element))
            try await test.post(["1"], to: queue)
            let (leases, calls) = try await self.takeAll(test, page: 50) { one, _ in
                one.subscription.map(wanted.contains) ?? true
            }
            #expect(Set(leases.map(\.subscription)) == wanted && leases.count == wanted.count)
            #expect(calls <= 7, "five pages, the first question, and a last page that may be empty")
        }
    }

    @Test func `Events of many queues with policies are all served, however many wait for verdicts`() async throws {
        try await withTestStore(shards: 1) { test in
            for number in 0..<40 {
                let queue = try address("p\(number)", "q")
                try await test.subscribe(to: queue, pace: Self.filtered)
                try await test.post(["1"], to: queue)
                try await test.post(["2"], to: queue)
            }
            let (leases, calls) = try await self.takeAll(test) { _, body in body == "2" }
            #expect(leases.count == 40 && Set(leases.map(\.queue)).count == 40)
            #expect(calls <= 20)
        }
    }

    @Test func `What is asked for is bounded by the bytes to look through`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            try await test.subscribe("http://one", to: queue, pace: Self.filtered)
            let large = "\"" + String(repeating: "x", count: 250_000) + "\""
            for _ in 0..<10 { try await test.post([large], to: queue) }
            func bytes(_ event: UndecidedEvent) -> Int { event.messages.reduce(0) { $0 + ($1?.body.count ?? 0) } }
            // Of the answer: a mebibyte, and one event more.
            let few = try await self.take(test).undecided
            #expect(few.count == 5 && few.reduce(0) { $0 + bytes($1) } <= 5 * 250_002)
            // And to look through: of forty subscriptions those that fit.
            for number in 0..<40 { try await test.subscribe("http://\(number)", to: queue, pace: Self.filtered) }
            for _ in 0..<10 { try await test.post([large], to: queue) }
            _ = try await self.takeAll(test) { _, body in body.count < 5 }
            try await test.post([large], to: queue)
            let wide = try await self.take(test).undecided
            #expect(
                wide.reduce(0) { $0 + $1.recipients.count * bytes($1) } <= 4 << 20 && wide.first?.recipients.count == 16
            )
            let (leases, _) = try await self.takeAll(test) { _, _ in false }
            #expect(leases.isEmpty)
            #expect(try await test.store.deliveries.status(of: [0])[0].events == 0)
        }
    }

    @Test func `A policy takes nothing from the order, the limit and the window of a subscription`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let paces = [
                Pace(isOrdered: true, isFiltered: true), Pace(maxPerSecond: 20, isFiltered: true),
                Pace(inFlightMax: 1, isFiltered: true),
            ]
            for (number, pace) in paces.enumerated() {
                try await test.subscribe("http://\(number)", to: queue, pace: pace)
            }
            try await test.post((0..<12).map { "\($0)" }, to: queue)
            // One starts of each, whatever the eleven before were; the others wait for nothing.
            let (leases, _) = try await self.takeAll(test) { _, body in body == "11" || body == "10" }
            #expect(leases.map { String(decoding: $0.body, as: UTF8.self) } == ["10", "10", "10"])
            _ = try await test.settle(leases, .delivered)
            test.time.pass(seconds: 1)
            #expect(try await test.lease().map { String(decoding: $0.body, as: UTF8.self) } == ["11", "11", "11"])
        }
    }

    @Test func `A header or a record of a newer version still gets a verdict, and waits for a version that reads it`()
        async throws
    {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let ids = [
                try await test.subscribe("http://a", to: queue, pace: Self.filtered),
                try await test.subscribe("http://b", to: queue, pace: Self.filtered),
            ]
            try await test.post(["1"], to: queue)
            let key = test.key("subscription-headers")
            let header = try #require(try await test.command("HGET", key, ids[0].text).text)
            _ = try await test.command("HSET", key, ids[0].text, header.prefix(32) + "00000x" + header.dropFirst(38))
            let asked = try await self.take(test).undecided
            #expect(asked.map { $0.recipients.map(\.version) } == [[nil, 1]])
            let taken = try await self.take(test, asked.map { $0.judged { _, _ in true } })
            #expect(taken.leases.map(\.subscription) == [ids[1]] && taken.unreadable.count == 1)
            // A record that is none of this version's.
            try await test.post(["2"], to: queue)
            let events = test.key("events:\(queue.key)")
            // Its flags say that it has a delay and a checksum, for which it is too short.
            let script =
                "local event = redis.call('LINDEX', KEYS[1], 0) "
                + "redis.call('LSET', KEYS[1], 0, string.sub(event, 1, 16) .. string.char(3) .. string.sub(event, 18))"
            try await test.redis.command("EVAL", script, "1", events)
            let second = try await self.take(test).undecided
            #expect(second.first?.messages.contains { $0 == nil } == true)
            let rest = try await self.take(test, second.map { $0.judged { _, _ in false } })
            #expect(rest.leases.isEmpty && rest.unreadable.count == 2)
        }
    }

    @Test func `A project of many queues, and calls that lease as few as notifiers do, cost hardly more`() async throws
    {
        try await withTestStore(shards: 1) { test in
            for number in 0..<40 {
                let queue = try address("p", "q\(number)")
                try await test.subscribe(to: queue, pace: Self.filtered)
                try await test.post(["1"], to: queue)
            }
            let wide = try address("wide", "q")
            for number in 0..<200 { try await test.subscribe("http://\(number)", to: wide, pace: Self.filtered) }
            try await test.post(["1"], to: wide)
            var (verdicts, asked, calls, leases) = ([EventVerdicts](), 0, 0, 0)
            while true {
                let taken = try await test.store.deliveries.take(
                    0, events: 16, allowance: LeaseAllowance(capacity: 64), page: 200, lease: .seconds(15),
                    confirmedOnly: false, verdicts: verdicts)
                calls += 1
                leases += taken.leases.count
                asked += taken.undecided.reduce(0) { $0 + $1.recipients.count }
                verdicts = Array((verdicts + taken.undecided.map { $0.judged { _, _ in true } }).suffix(60))
                guard taken.more else { break }
            }
            #expect(leases == 240 && asked == 240, "each is asked about once: \(asked) of 240 in \(calls) calls")
        }
    }

    @Test func `At the memory limit nothing turns round and round, and what makes nothing leaves`() async throws {
        try await withTestStore(shards: 1) { test in
            var verdicts: [EventVerdicts] = []
            for name in ["a", "b"] {
                let queue = try address(name, "q")
                for plain in [true, false] {
                    let id = try await test.subscribe(
                        "http://\(plain)", to: queue, pace: plain ? Pace() : Self.filtered)
                    #expect(try await test.store.deliveries.pause(queue, subscription: id))
                }
                try await test.post(["1"], to: queue)
            }
            let open = try address("c", "q")
            try await test.subscribe(to: open, pace: Self.filtered)
            try await test.post(["1"], to: open)
            try await test.configure("maxmemory", "1")
            var (calls, leases) = (0, 0)
            while calls < 20 {
                let taken = try await self.take(test, verdicts)
                calls += 1
                leases += taken.leases.count
                verdicts += taken.undecided.map { $0.judged { _, _ in true } }
                guard taken.more else { break }
            }
            #expect(calls < 10, "it waits for the next look")
            // Whatever stands in front, what can be handed out is.
            for _ in 0..<5 {
                let taken = try await self.take(test, verdicts)
                leases += taken.leases.count
                verdicts += taken.undecided.map { $0.judged { _, _ in true } }
            }
            #expect(leases == 1)
        }
    }
}

extension UndecidedEvent {
    /// What a notifier makes of it; what it cannot read is wanted.
    func judged(_ isWanted: (Recipient, String) -> Bool) -> EventVerdicts {
        EventVerdicts(
            on: self,
            wanted: self.recipients.map { recipient in
                self.messages.map { message in
                    message.map { isWanted(recipient, String(decoding: $0.body, as: UTF8.self)) } ?? true
                }
            })
    }
}
