import Domain
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
            0, events: 16, allowance: LeaseAllowance(capacity: 1000), page: page, lease: .seconds(15), confirmedOnly: false,
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
            #expect(first.undecided.map { $0.messages.map { $0.map { String(decoding: $0.body, as: UTF8.self) } } } == [["1", "2"], ["3"]])
            #expect(first.undecided.allSatisfy { $0.recipients.map { $0?.subscription } == [chosen] && $0.queue == queue })

            let verdicts = first.undecided.map { $0.judged { $1 == "2" } }
            let second = try await self.take(test, verdicts)
            #expect(second.leases.map(\.subscription) == [chosen, plain] && !second.more && second.undecided.isEmpty)
            #expect(second.leases.map { String(decoding: $0.body, as: UTF8.self) } == ["2", "3"])
            let written = try await test.settle(first.leases + second.leases, .delivered)
            #expect(written.allSatisfy { $0 })
            let left = try await test.shardKeys().filter { $0 == "payloads" || $0 == "payload-references" || $0.hasPrefix("due:") }
            #expect(left.isEmpty)
        }
    }

    @Test func `A verdict counts for one version of a subscription, and for one event`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue, pace: Self.filtered)
            try await test.post(["1"], to: queue)
            let before = try await self.take(test).undecided.map { $0.judged { _, _ in false } }
            let change = SubscriptionChange(options: Array("{}".utf8), pace: Self.filtered)
            #expect(try await test.store.subscriptions.update(queue, id: id, change, resettingConfirmation: false) == .updated)
            let again = try await self.take(test, before)
            #expect(again.leases.isEmpty && again.undecided.map { $0.recipients.map { $0?.version } } == [[2]])
            let after = again.undecided.map { $0.judged { _, _ in true } }
            #expect(try await self.take(test, after).leases.count == 1)
            // Of another event they say nothing.
            try await test.post(["2"], to: queue)
            let other = try await self.take(test, after)
            #expect(other.leases.isEmpty && other.undecided.count == 1)
            // Without a policy nothing is asked for.
            let without = SubscriptionChange(options: Array("{}".utf8))
            #expect(try await test.store.subscriptions.update(queue, id: id, without, resettingConfirmation: false) == .updated)
            #expect(try await self.take(test).leases.count == 1)
        }
    }

    @Test func `An event of many subscriptions with policies takes one call more than pages`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            var ids: [SubscriptionID] = []
            for number in 0..<250 { ids.append(try await test.subscribe("http://\(number)", to: queue, pace: Self.filtered)) }
            let wanted = Set(ids.enumerated().filter { $0.offset.isMultiple(of: 3) }.map(\.element))
            try await test.post(["1"], to: queue)
            let (leases, calls) = try await self.takeAll(test, page: 50) { one, _ in wanted.contains(one.subscription) }
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
            for number in 0..<40 { try await test.subscribe("http://\(number)", to: queue, pace: Self.filtered) }
            let large = "\"" + String(repeating: "x", count: 250_000) + "\""
            for _ in 0..<6 { try await test.post([large], to: queue) }
            let taken = try await self.take(test)
            let bytes = taken.undecided.reduce(0) { $0 + $1.messages.reduce(0) { $0 + ($1?.body.count ?? 0) } }
            let judged = taken.undecided.reduce(0) { $0 + $1.recipients.count * ($1.messages.first??.body.count ?? 0) }
            #expect(bytes <= 1 << 20 && judged <= 4 << 20 && judged > 0)
            let (leases, _) = try await self.takeAll(test) { _, _ in false }
            #expect(leases.isEmpty)
            #expect(try await test.store.deliveries.status(of: [0])[0].events == 0)
        }
    }

    @Test func `A policy takes nothing from the order, the limit and the window of a subscription`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let paces = [
                Pace(isOrdered: true, isFiltered: true), Pace(maxPerSecond: 20, isFiltered: true), Pace(inFlightMax: 1, isFiltered: true),
            ]
            for (number, pace) in paces.enumerated() { try await test.subscribe("http://\(number)", to: queue, pace: pace) }
            try await test.post((0..<12).map { "\($0)" }, to: queue)
            // One starts of each, whatever the eleven before were; the others wait for nothing.
            let (leases, _) = try await self.takeAll(test) { _, body in body == "11" || body == "10" }
            #expect(leases.map { String(decoding: $0.body, as: UTF8.self) } == ["10", "10", "10"])
            _ = try await test.settle(leases, .delivered)
            test.time.pass(seconds: 1)
            #expect(try await test.lease().map { String(decoding: $0.body, as: UTF8.self) } == ["11", "11", "11"])
        }
    }

    @Test func `A header or a record of a newer version still gets a verdict`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue, pace: Self.filtered)
            try await test.post(["1"], to: queue)
            let key = test.key("subscription-headers")
            let header = try #require(try await test.command("HGET", key, id.text).text)
            _ = try await test.command("HSET", key, id.text, header.prefix(32) + "00000x" + header.dropFirst(38))
            let (leases, calls) = try await self.takeAll(test) { _, _ in false }
            #expect(leases.isEmpty && calls <= 3, "it is leased, and left to a version that reads it")
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
                    guard let recipient, let message else { return true }
                    return isWanted(recipient, String(decoding: message.body, as: UTF8.self))
                }
            })
    }
}
