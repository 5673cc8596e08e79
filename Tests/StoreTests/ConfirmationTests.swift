import Domain
import Redis
import Store
import TestKit
import Testing

/// Confirmations as deliveries (notifications contract, 7).
struct ConfirmationTests {
    private static let document = Array(#"{"URL-Signature": "secret"}"#.utf8)

    private func request(
        _ kind: NotificationKind = .subscriptionConfirmation, to uri: String = "http://127.0.0.1:9/",
        at: Timestamp = Timestamp(milliseconds: 0), linkExpiry: Int64 = 4_000_000_000
    ) -> ConfirmationRequest {
        ConfirmationRequest(
            kind: kind, subscriber: uri, at: at, ttl: 600, linkExpiry: linkExpiry, document: Self.document)
    }

    @Test func `A question is leased like a delivery, with its kind and document`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue)
            for kind in [NotificationKind.subscriptionConfirmation, .unsubscribeConfirmation] {
                #expect(
                    try await test.store.subscriptions.requestConfirmation(queue, id: id, self.request(kind))
                        == .requested)
                let leases = try await test.lease()
                #expect(leases.map(\.kind) == [kind])
                #expect(leases.map { Array($0.body) } == [Self.document])
                #expect(leases.map(\.ttl) == [600])
                let lease = try #require(leases.first)
                #expect(try await test.settle([lease], .delivered) == [true])
            }
            #expect(try await test.lease().isEmpty)
        }
    }

    @Test(arguments: [Pace(), Pace(isOrdered: true)])
    func `A question waits for its time, and the same question is not asked beside it`(pace: Pace) async throws {
        try await withTestStore(shards: 1) { test async throws in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue, pace: pace)
            let request = test.store.subscriptions.requestConfirmation
            let at = test.time.now.adding(seconds: 60)
            #expect(try await request(queue, id, self.request(at: at)) == .requested)
            #expect(try await request(queue, id, self.request(at: at)) == .alreadyWaiting)
            #expect(try await request(queue, id, self.request(to: "http://b/", at: at)) == .absent)
            test.time.pass(milliseconds: 59_999)
            #expect(try await test.lease().isEmpty)
            test.time.pass(milliseconds: 1)
            // Of an ordered one, one call puts it in its place, and the next hands it out.
            let leased = [try await test.lease(), try await test.lease()].flatMap { $0 }
            #expect(leased.count == 1)
            #expect(try await request(queue, id, self.request(at: at)) == .requested)
        }
    }

    @Test func `A question that waits for its minute holds no ordered subscription up`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue, pace: Pace(isOrdered: true))
            let at = test.time.now.adding(seconds: 60)
            try await test.post(["1", "2", "3"], to: queue)
            let first = try await test.take().leases
            #expect(
                try await test.store.subscriptions.requestConfirmation(queue, id: id, self.request(at: at))
                    == .requested)
            #expect(try await test.settle(first, .delivered) == [true])
            for body in ["2", "3"] {
                let leases = try await test.lease()
                #expect(leases.map { String(decoding: $0.body, as: UTF8.self) } == [body])
                #expect(try await test.settle(leases, .delivered) == [true])
            }
            test.time.pass(milliseconds: 59_999)
            #expect(try await test.lease().isEmpty)
            test.time.pass(milliseconds: 1)
            #expect(try await test.lease().map(\.kind) == [.subscriptionConfirmation])
        }
    }

    @Test func `Tests and questions are refused where as many deliveries wait as may`() async throws {
        let limits = DeliveryLimits(subscriptionWaiting: 3, projectWaiting: 5)
        try await withTestStore(shards: 1, limits: limits) { test async throws in
            let queue = try address("p", "q")
            let subscriptions = [
                try await test.subscribe("http://a/", to: queue), try await test.subscribe("http://b/", to: queue),
            ]
            for id in subscriptions { #expect(try await test.store.deliveries.pause(queue, subscription: id)) }
            func sendTest(_ id: SubscriptionID) async throws -> Bool {
                do throws(StoreError) {
                    return try await test.store.subscriptions.test(queue, id: id, document: Self.document, ttl: 60)
                        != nil
                } catch {
                    #expect(error == .overloaded)
                    return false
                }
            }
            for number in 0..<6 { #expect(try await sendTest(subscriptions[0]) == (number < 3)) }
            for number in 0..<6 { #expect(try await sendTest(subscriptions[1]) == (number < 2)) }
            await #expect(throws: StoreError.overloaded) {
                _ = try await test.store.subscriptions.requestConfirmation(
                    queue, id: subscriptions[1], self.request(to: "http://b/"))
            }
            let health = try await test.store.deliveries.health(of: queue, subscription: subscriptions[1])
            #expect(health?.backlog == 2)
        }
    }

    @Test func `An address gets one question a minute from a project, of whatever kind, and every one of them`()
        async throws
    {
        try await withTestStore(shards: 1) { test async throws in
            let ids = [
                try await test.subscribe(to: address("p", "q")), try await test.subscribe(to: address("p", "r")),
            ]
            let (project, other) = (try ProjectID("p"), try ProjectID("o"))
            let start = test.time.now
            func wait(
                _ id: SubscriptionID, _ kind: NotificationKind = .subscriptionConfirmation, from project: ProjectID,
                to uri: String = "http://a/"
            ) async throws -> Int64 {
                try await test.store.confirmations.reserve(kind, from: project, to: uri, for: id).milliseconds
                    - start.milliseconds
            }
            #expect(try await wait(ids[0], from: project) == 0)
            #expect(try await wait(ids[1], from: project) == 60_000)
            #expect(try await wait(ids[1], from: project) == 60_000)
            #expect(try await wait(ids[0], from: project) == 120_000)
            #expect(try await wait(ids[0], .unsubscribeConfirmation, from: project) == 180_000)
            #expect(try await wait(ids[0], .unsubscribeConfirmation, from: project) == 180_000)
            #expect(try await wait(ids[0], from: project) == 120_000)
            #expect(try await wait(ids[0], from: project, to: "http://b/") == 0)
            #expect(try await wait(ids[0], from: other) == 0)
            test.time.pass(milliseconds: 500_000)
            #expect(try await wait(ids[0], from: project) == 500_000)
        }
    }

    @Test func `Questions that wait for one address are bounded`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let project = try ProjectID("p")
            func reserve(_ number: Int) async throws {
                let digits = String(number)
                let id = try #require(
                    SubscriptionID(String(repeating: "0", count: 27 - digits.count) + digits))
                _ = try await test.store.confirmations.reserve(
                    .subscriptionConfirmation, from: project, to: "http://a/", for: id)
            }
            for number in 0...ConfirmationSchedule.waitingMax { try await reserve(number) }
            await #expect(throws: StoreError.self) { try await reserve(9999) }
            test.time.pass(milliseconds: 120_000)
            try await reserve(9999)
        }
    }

    @Test func `A link counts for the address it was sent to, whatever its expiry`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue)
            let subscriptions = test.store.subscriptions
            #expect(
                try await subscriptions.requestConfirmation(queue, id: id, self.request(linkExpiry: 5000)) == .requested
            )
            #expect(
                try await subscriptions.requestConfirmation(queue, id: id, self.request(linkExpiry: 4000)) == .requested
            )
            _ = try await subscriptions.rotateSecret(queue, id: id, overlap: 0)
            for expiry in [4000, 5000] as [Int64] {
                #expect(try await subscriptions.confirm(queue, id: id, true, linkExpiry: expiry))
            }
            let change = SubscriptionChange(subscriber: try Subscriber("http://b/"))
            #expect(
                try await subscriptions.update(queue, id: id, change, resettingConfirmation: true) == .updated)
            for expiry in [4000, 5000] as [Int64] {
                #expect(try await !subscriptions.confirm(queue, id: id, true, linkExpiry: expiry))
            }
            let late = self.request(to: "http://b/", linkExpiry: 5000)
            #expect(try await subscriptions.requestConfirmation(queue, id: id, late) == .barred(until: 5000))
            let good = self.request(to: "http://b/", linkExpiry: 5001)
            #expect(try await subscriptions.requestConfirmation(queue, id: id, good) == .requested)
            #expect(try await subscriptions.confirm(queue, id: id, true, linkExpiry: 5001))
            let shown = try #require(try await subscriptions.get(queue, id: id))
            #expect(shown.confirmed && shown.barredLinkExpiry == 5000 && shown.secret.current == 2)
        }
    }

    @Test func `A subscription that is created again is confirmed on its own, not by the link of the one that ended`()
        async throws
    {
        try await withTestStore(shards: 1) { test async throws in
            let queue = try address("p", "q")
            let ended = try await test.subscribe(to: queue)
            #expect(
                try await test.store.subscriptions.requestConfirmation(queue, id: ended, self.request()) == .requested)
            try await test.store.subscriptions.delete(queue, id: ended)
            let id = try await test.subscribe(to: queue)
            #expect(id != ended)
            #expect(try await test.store.subscriptions.requestConfirmation(queue, id: id, self.request()) == .requested)
            #expect(try await test.lease().map(\.subscription) == [id])
        }
    }

    @Test func `Who is not subscribed, to this queue, is asked nothing`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let (queue, other) = (try address("p", "q"), try address("p", "other"))
            let id = try await test.subscribe(to: queue)
            #expect(try await test.store.subscriptions.requestConfirmation(other, id: id, self.request()) == .absent)
            try await test.store.subscriptions.delete(queue, id: id)
            #expect(try await test.store.subscriptions.requestConfirmation(queue, id: id, self.request()) == .absent)
            #expect(try await test.lease().isEmpty)
        }
    }

    @Test func `A dead letter keeps no signature`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let queue = try address("p", "q")
            let id = try await test.subscribe(to: queue)
            _ = try await test.store.subscriptions.requestConfirmation(queue, id: id, self.request())
            let lease = try #require(try await test.lease().first)
            _ = try await test.settle([lease], .deadLetter(.refused, summary: "refused 404"))
            let deadLetters = try await test.store.deliveries.deadLetters(of: queue, limit: 10).deadLetters
            #expect(deadLetters.map(\.kind) == [.subscriptionConfirmation])
            let kept = try await test.store.deliveries.deadLetter(
                of: queue, subscription: id, position: lease.position)
            #expect(kept?.content.body.count == 0)
        }
    }

    @Test func `A day sees no more questions to a mail address than it may, from whatever projects`() async throws {
        try await withTestStore(shards: 1) { test async throws in
            let (schedule, address) = (test.store.confirmations, "mailto:jo@example.com")
            func ask(_ number: Int, daily: Int? = 3, to address: String = "mailto:jo@example.com") async throws -> Int {
                let id = try #require(SubscriptionID("0123456789abcdefghjkmnp" + String(1_000 + number)))
                let at = try await schedule.reserve(
                    .subscriptionConfirmation, from: try ProjectID("p\(number)"), to: address, for: id, dailyMax: daily)
                return Int(at.milliseconds(since: test.time.now) / 1000)
            }
            for number in 0..<3 { #expect(try await ask(number) == 0) }
            #expect(try await ask(3) == 86_400)
            #expect(try await ask(3) == 86_400, "the same question is not asked twice")
            for number in 4...5 { #expect(try await ask(number) == 86_400) }
            #expect(try await ask(6) == 172_800)
            #expect(try await ask(7, to: "mailto:other@example.com") == 0)
            #expect(try await ask(8, daily: nil) == 0)
            test.time.pass(seconds: 86_400)
            #expect(try await ask(9) == 86_400)
            for number in 10..<29 { _ = try await ask(number) }
            // Those of seven days wait.
            await #expect(throws: StoreError.self) { _ = try await ask(40) }
            test.time.pass(seconds: 20 * 86_400)
            #expect(try await ask(41) == 0)
            #expect(try await test.redis.command("ZCARD", "herald:{control}:daily-confirmations:\(address)").int == 1)
        }
    }
}
