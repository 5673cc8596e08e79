import Domain
import Redis
import Store
import TestKit
import Testing

struct SuppressionTests {
    @Test func `An address is suppressed for its project until that is ended, and says why`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let suppressions = test.store.suppressions
            let (one, other) = (try ProjectID("p"), try ProjectID("p2"))
            let since = test.time.now
            #expect(try await suppressions.add("jo@example.com", of: one, .permanent, detail: "550 5.1.1 no such user"))
            let expected = Suppression(
                address: "jo@example.com", reason: .permanent, since: since, detail: "550 5.1.1 no such user")
            #expect(try await suppressions.get("jo@example.com", of: one) == expected)
            #expect(try await suppressions.get("jo@example.com", of: other) == nil)
            test.time.pass(seconds: 1)
            #expect(try await !suppressions.add("jo@example.com", of: one, .complaint, detail: ""))
            #expect(try await suppressions.get("jo@example.com", of: one)?.reason == .complaint)
            #expect(try await suppressions.remove("jo@example.com", of: one))
            #expect(try await !suppressions.remove("jo@example.com", of: one))
            #expect(try await suppressions.get("jo@example.com", of: one) == nil)
            #expect(try await test.keys().filter { $0.contains("suppression") }.isEmpty)
        }
    }

    @Test func `A list goes on where it ended, whatever is added, changed or removed meanwhile`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let (suppressions, project) = (test.store.suppressions, try ProjectID("p"))
            // All in one millisecond.
            for number in 0..<5 { try await suppressions.add("a\(number)@b.c", of: project, .manual, detail: "") }
            let first = try await suppressions.list(of: project, after: nil, limit: 2)
            #expect(first.map(\.suppression.address) == ["a0@b.c", "a1@b.c"])
            _ = try await suppressions.remove("a1@b.c", of: project)
            try await suppressions.add("a0@b.c", of: project, .permanent, detail: "")
            let second = try await suppressions.list(of: project, after: first.last?.marker, limit: 9)
            #expect(second.map(\.suppression.address) == ["a2@b.c", "a3@b.c", "a4@b.c"])
            #expect(try await suppressions.list(of: project, after: second.last?.marker, limit: 9).isEmpty)
        }
    }

    @Test func `What a mail server says is bounded`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let (suppressions, project) = (test.store.suppressions, try ProjectID("p"))
            let detail = String(repeating: "x y ", count: 1_000)
            try await suppressions.add("a@b.c", of: project, .transient, detail: detail)
            #expect(
                try await suppressions.get("a@b.c", of: project)?.detail
                    == String(detail.prefix(Suppression.detailBytesMax)))
        }
    }

    @Test func `Many addresses of several projects are looked up at once`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let suppressions = test.store.suppressions
            let projects = try ["p", "p2", "p3"].map { try ProjectID($0) }
            for number in 0..<1_500 where number.isMultiple(of: 3) {
                try await suppressions.add("a\(number)@b.c", of: projects[0], .manual, detail: "")
            }
            try await suppressions.add("a1@b.c", of: projects[1], .manual, detail: "")
            let asked = projects.flatMap { project in
                (0..<1_500).map { SuppressibleAddress("a\($0)@b.c", of: project) }
            }
            let expected = Set(
                (0..<1_500).filter { $0.isMultiple(of: 3) }.map {
                    SuppressibleAddress("a\($0)@b.c", of: projects[0])
                } + [SuppressibleAddress("a1@b.c", of: projects[1])])
            #expect(try await suppressions.suppressed(among: Set(asked)) == expected)
            #expect(try await suppressions.suppressed(among: []).isEmpty)
        }
    }

    @Test func `Days on which mail came back are counted for two weeks, and anew after a suppression`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let (suppressions, project) = (test.store.suppressions, try ProjectID("p"))
            func count(_ address: String = "a@b.c") async throws -> Int {
                try await suppressions.countBounce(of: address, of: project)
            }
            for _ in 0..<3 { #expect(try await count() == 1) }
            #expect(try await count("other@b.c") == 1)
            test.time.pass(seconds: 86_400)
            #expect(try await count() == 2)
            test.time.pass(seconds: 12 * 86_400)
            #expect(try await count() == 3)
            test.time.pass(seconds: 86_400)
            #expect(try await count() == 3, "the first day is two weeks ago")
            try await suppressions.add("a@b.c", of: project, .transient, detail: "")
            #expect(try await count() == 1)
            let key = "herald:{control}:bounce-days:1:p:a@b.c"
            #expect((try await test.redis.command("TTL", key).int ?? 0) > 13 * 86_400)
        }
    }

    @Test func `A subscription is found by its id, whatever its shard`() async throws {
        try await withTestStore(shards: 16) { test async throws in
            let subscriptions = test.store.subscriptions
            var made: [(QueueAddress, SubscriptionID)] = []
            for number in 0..<20 {
                let queue = try address("p\(number % 3)", "q\(number)")
                let id = try await subscriptions.create(
                    queue, subscriber: Subscriber("mailto:a\(number)@b.c"), ttl: 60, options: Array("{}".utf8)
                ).id
                made.append((queue, id))
            }
            for (number, (queue, id)) in made.enumerated() {
                let found = try #require(try await subscriptions.find(id))
                #expect(found.queue == queue && found.subscription.subscriber == "mailto:a\(number)@b.c")
            }
            test.time.pass(seconds: 61)
            #expect(try await subscriptions.find(made[0].1) == nil)
        }
    }

    @Test func `Deliveries to an address are reserved up to its number of any hour, each once`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let project = try ProjectID("p")
            func reserve(_ ids: [String], to address: String = "a@b.c") async throws -> [String: Duration] {
                let deliveries = ids.map {
                    (address: SuppressibleAddress(address, of: project), id: DeliveryID(text: $0))
                }
                let waits = try await test.store.addressRates.reserve(deliveries, hourlyMax: 2)
                return Dictionary(uniqueKeysWithValues: waits.map { ($0.key.text, $0.value) })
            }
            #expect(try await reserve(["1"]).isEmpty)
            test.time.pass(seconds: 600)
            #expect(try await reserve(["1"]).isEmpty, "its next attempt")
            #expect(try await reserve(["2", "3", "4"]) == ["3": .seconds(3600), "4": .seconds(3600)])
            #expect(try await reserve(["3"], to: "b@b.c").isEmpty)
            test.time.pass(seconds: 3599)
            #expect(try await reserve(["3"]) == ["3": .seconds(1)])
            test.time.pass(seconds: 1)
            #expect(try await reserve(["3", "4", "5"]) == ["5": .seconds(3600)])
            let many = (0..<250).map { "many\($0)" }
            #expect(try await reserve(many, to: "c@b.c").count == 248)
        }
    }
}
