import Domain
import Redis
import Store
import TestKit
import Testing

/// Queues that move between stores: what is the same in both, and what must not meet.
struct QueueMoveTests {
    /// A queue in each of two stores whose messages get the same positions, with a subscription each.
    private static func withTwins(
        _ body: (_ source: TestStore, _ target: TestStore, _ moved: QueueAddress, _ other: QueueAddress) async throws ->
            Void
    ) async throws {
        try await withTestStore(shards: 1) { source in
            try await withOther(of: source) { target in
                let (moved, other) = (try address("p", "moved"), try address("q", "other"))
                try await source.subscribe("http://moved/", to: moved)
                try await target.subscribe("http://other/", to: other)
                source.time.pass(seconds: 1)
                let positions = [
                    try await source.post(["moved"], to: moved)[0].position,
                    try await target.post(["other"], to: other)[0].position,
                ]
                #expect(positions[0] == positions[1])
                try await body(source, target, moved, other)
            }
        }
    }

    /// Moves a queue up to the decision, and through it where nothing is thrown.
    private static func move(
        _ queue: QueueAddress, from source: TestStore, to target: TestStore, mark: String = "m"
    ) async throws {
        let (from, to) = (source.store.closedQueues, target.store.closedQueues)
        #expect(try await from.hold(queue))
        let closing = try await from.close(queue, mark: mark).get()
        #expect(try await to.bar(queue, mark: mark, closing, isCopied: false))
        do {
            try await QueueCopy(of: queue, from: from, to: to, check: {}).run()
        } catch {
            try await MoveSteps.undo(queue, from: from, to: to)
            throw error
        }
        #expect(try await to.bar(queue, mark: mark, closing, isCopied: true))
        try await MoveSteps.open(queue, from: from, in: to)
        try await MoveSteps.clean(queue, in: from)
    }

    private static func deliver(_ test: TestStore) async throws -> [String] {
        var bodies: [String] = []
        test.time.pass(seconds: 60)
        for leases in [try await test.take().leases, try await test.lease()] {
            bodies += leases.map { String(decoding: $0.body, as: UTF8.self) }
            _ = try await test.settle(leases, .delivered)
        }
        return bodies
    }

    @Test func `A message that waits is not moved to the position of another one that waits or is to be fanned out`()
        async throws
    {
        try await Self.withTwins { source, target, moved, _ in
            // To be fanned out there, then waiting there.
            for isFannedOut in [false, true] {
                let leases = try await source.take().leases
                _ = try await source.settle(leases, .retry(after: .seconds(30)))
                if isFannedOut {
                    _ = try await target.settle(try await target.take().leases, .retry(after: .seconds(30)))
                }
                await #expect(throws: QueueCopy.Collision.self) {
                    try await Self.move(moved, from: source, to: target, mark: "m\(isFannedOut)")
                }
            }
            #expect(try await source.bodies(moved) == ["moved"], "it is open where it was")
            #expect(try await Self.deliver(target) == ["other"])
            try await Self.move(moved, from: source, to: target)
            #expect(try await Self.deliver(target) == ["moved"])
            #expect(try await Self.deliver(source).isEmpty)
        }
    }

    @Test func `A message that is to be fanned out is not moved to the position of one that waits`() async throws {
        try await Self.withTwins { source, target, moved, _ in
            _ = try await target.settle(try await target.take().leases, .retry(after: .seconds(30)))
            await #expect(throws: QueueCopy.Collision.self) { try await Self.move(moved, from: source, to: target) }
            #expect(try await Self.deliver(target) == ["other"])
            try await Self.move(moved, from: source, to: target, mark: "n")
            #expect(try await Self.deliver(target) == ["moved"])
        }
    }

    @Test func `A dead letter is not sent again at the position of another message that waits`() async throws {
        try await Self.withTwins { source, target, moved, _ in
            _ = try await source.settle(
                try await source.take().leases, .deadLetter(.refused, summary: "refused 410"))
            try await Self.move(moved, from: source, to: target)
            _ = try await target.settle(try await target.take().leases, .retry(after: .seconds(30)))
            let deliveries = target.store.deliveries
            let dead = try await deliveries.deadLetters(of: moved, limit: 10).deadLetters
            func redrive() async throws -> [RedriveOutcome] {
                try await deliveries.redrive(
                    dead.map { ($0.subscription, $0.position) }, of: moved, confirmedOnly: []
                ).outcomes
            }
            #expect(try await redrive() == [.busy])
            #expect(try await Self.deliver(target) == ["other"])
            #expect(try await redrive() == [.enqueued])
            #expect(try await Self.deliver(target) == ["moved"])
        }
    }

    @Test func `Every subscription is gone through, whatever is removed meanwhile`() async throws {
        try await withTestStore(shards: 1) { test in
            let queue = try address("p", "q")
            let ids = try await test.subscribe(many: 250, to: queue).map(\.text)
            let store = test.store
            var seen: [String] = []
            try await store.closedQueues.eachPage(of: queue) { page in
                seen += page
                for id in page.prefix(30) {
                    try await store.subscriptions.delete(queue, id: try #require(SubscriptionID(id)))
                }
            }
            #expect(Set(seen) == Set(ids) && seen.count == ids.count)
        }
    }

    @Test func `Dead letters of a closed queue are not dropped for those of another queue of its project`() async throws
    {
        try await withTestStore(shards: 1, limits: DeliveryLimits(projectDeadLetterBytes: 300)) { test in
            let (closed, other) = (try address("p", "closed"), try address("p", "other"))
            for queue in [closed, other] { try await test.subscribe(to: queue) }
            func die(_ queue: QueueAddress) async throws {
                try await test.post([String(repeating: "x", count: 200)], to: queue)
                let leases = try await test.take().leases
                #expect(leases.count == 1)
                #expect(try await test.settle(leases, .deadLetter(.refused, summary: "refused 410")) == [true])
            }
            try await die(closed)
            _ = try await test.store.closedQueues.close(closed, mark: "m").get()
            try await die(other)
            try await die(other)
            try await MoveSteps.undo(closed, from: test.store.closedQueues, to: nil)
            #expect(try await test.store.deliveries.deadLetters(of: closed, limit: 10).deadLetters.count == 1)
        }
    }

    @Test func `A store that lost what was copied, or is the one that a queue leaves, does not take it`() async throws {
        try await Self.withTwins { source, target, moved, _ in
            let closing = try await source.store.closedQueues.close(moved, mark: "m").get()
            #expect(try await !source.store.closedQueues.bar(moved, mark: "m", closing, isCopied: false))
            #expect(try await !target.store.closedQueues.bar(moved, mark: "m", closing, isCopied: true))
            try await MoveSteps.undo(moved, from: source.store.closedQueues, to: target.store.closedQueues)
            #expect(try await source.bodies(moved) == ["moved"])
        }
    }

    @Test func `Each call about a closed queue fails, and changes nothing`() async throws {
        try await withTestStore(shards: 1) { test in
            let (queue, store) = (try address("p", "q"), test.store)
            let id = try await test.subscribe(to: queue)
            let message = try await test.post(["one", "two"], to: queue)[0]
            let claim = try await store.claims.create(queue, limit: 1, ttl: 60, grace: 60)
            _ = try await test.settle(try await test.take().leases, .deadLetter(.refused, summary: "refused 410"))
            let dead = try await store.deliveries.deadLetters(of: queue, limit: 1).deadLetters[0]
            _ = try await store.closedQueues.close(queue, mark: "m").get()
            func dump() async throws -> [String: [UInt8]?] {
                var values: [String: [UInt8]?] = [:]
                for key in try await test.keys() { values[key] = try await test.command("DUMP", key).bytes }
                return values
            }
            let before = try await dump()
            let (subscriptions, deliveries) = (store.subscriptions, store.deliveries)
            let calls: [(String, () async throws -> Void)] = [
                ("post", { try await test.post(["three"], to: queue) }),
                ("list", { _ = try await test.bodies(queue) }),
                ("get", { _ = try await store.messages.get(queue, ids: [message]) }),
                ("delete", { _ = try await store.messages.delete(queue, ids: [message]) }),
                ("pop", { _ = try await store.messages.pop(queue, limit: 1) }),
                ("claim", { _ = try await store.claims.create(queue, limit: 1, ttl: 60, grace: 60) }),
                ("show claim", { if let id = claim?.id { _ = try await store.claims.get(queue, id: id) } }),
                (
                    "renew",
                    { if let id = claim?.id { _ = try await store.claims.update(queue, id: id, ttl: 90, grace: 60) } }
                ),
                ("release", { if let id = claim?.id { try await store.claims.release(queue, id: id) } }),
                ("stats", { _ = try await store.queues.stats(of: queue) }),
                ("metadata", { _ = try await store.queues.metadata(of: queue) }),
                ("purge", { try await store.messages.purge(queue) }),
                ("delete queue", { try await store.queues.delete(queue) }),
                ("subscribe", { try await test.subscribe("http://other/", to: queue) }),
                ("subscriptions", { _ = try await subscriptions.list(queue, after: nil, limit: 10) }),
                ("subscription", { _ = try await subscriptions.get(queue, id: id) }),
                ("unsubscribe", { try await subscriptions.delete(queue, id: id) }),
                ("unsubscribe all", { try await subscriptions.purge(queue) }),
                ("rotate", { _ = try await subscriptions.rotateSecret(queue, id: id, overlap: 10) }),
                ("confirm", { _ = try await subscriptions.confirm(queue, id: id, true, linkExpiry: nil) }),
                ("test", { _ = try await subscriptions.test(queue, id: id, document: [], ttl: 60) }),
                ("pause", { _ = try await deliveries.pause(queue, subscription: id) }),
                ("resume", { _ = try await deliveries.resume(queue, subscription: id) }),
                ("health", { _ = try await deliveries.health(of: queue, subscription: id) }),
                ("attempts", { _ = try await deliveries.attempts(of: queue, subscription: id) }),
                (
                    "explain",
                    { _ = try await deliveries.statuses(of: message.position, in: queue, after: nil, limit: 5) }
                ),
                ("dead letters", { _ = try await deliveries.deadLetters(of: queue, limit: 5) }),
                (
                    "redrive",
                    {
                        _ = try await deliveries.redrive(
                            [(dead.subscription, dead.position)], of: queue, confirmedOnly: [])
                    }
                ),
                (
                    "discard",
                    {
                        try await deliveries.discardDeadLetter(
                            of: queue, subscription: dead.subscription, position: dead.position)
                    }
                ),
                ("trust", { _ = try await store.trusts.made(for: id, of: queue) }),
            ]
            for (name, call) in calls {
                await #expect(throws: StoreError.closed, "\(name)") { try await call() }
            }
            try await test.sweepAll()
            #expect(try await dump() == before)
            try await store.closedQueues.open(queue, mark: "another", isNew: false)
            #expect(try await dump() == before, "another mark opens nothing")
            try await MoveSteps.undo(queue, from: store.closedQueues, to: nil)
            #expect(try await test.bodies(queue) == ["two"])
        }
    }
}
