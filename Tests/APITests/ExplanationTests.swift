import API
import Domain
import Operations
import Signing
import Store
import TestKit
import Testing

struct ExplanationTests {
    private let subscriptions = "/v2/queues/orders/subscriptions"

    private func subscribe(
        _ client: APIClient, _ address: String = "http://a", _ options: String = "{}"
    ) async throws -> String {
        let reply = try await client.post(
            self.subscriptions, "{\"subscriber\": \"\(address)\", \"options\": \(options)}")
        return try #require(reply.json["subscription_id"] as? String)
    }

    private func work(_ api: RunningAPI, _ ending: Settlement.Ending?, status: Int = 200) async throws -> [Lease] {
        var all: [Lease] = []
        for shard in 0..<api.store.deliveries.shards {
            let leases = try await api.leaseDue(in: shard, fanningOut: true)
            all += leases
            try await self.settle(api, leases, ending, status: status)
        }
        return all
    }

    private func settle(
        _ api: RunningAPI, _ leases: [Lease], _ ending: Settlement.Ending?, status: Int = 200
    ) async throws {
        guard let ending else { return }
        for shard in 0..<api.store.deliveries.shards {
            let settlements = leases.map { lease in
                let outcome: Outcome =
                    status == 200 ? .accepted(code: 200) : .deferred(code: status, notBefore: nil)
                return Settlement(
                    lease, ending,
                    after: AttemptReport(startedAt: api.time.now, kind: .notification, outcome: outcome))
            }
            _ = try await api.store.deliveries.settle(shard, settlements)
        }
    }

    private struct Explained: Equatable, CustomStringConvertible {
        let state: String
        let rule: String
        let attempts: Int
        let due: Bool

        init(_ state: String, _ rule: String, _ attempts: Int = 0, due: Bool = false) {
            (self.state, self.rule, self.attempts, self.due) = (state, rule, attempts, due)
        }

        var description: String { "\(self.state) \(self.rule) \(self.attempts) \(self.due)" }
    }

    private func explain(_ client: APIClient, _ href: String) async throws -> [Explained] {
        let reply = try await client.get(href + "/deliveries")
        #expect(reply.status == 200)
        return reply.objects("deliveries").map { object in
            #expect(object["eligible"] as? Bool == (object["state"] as? String != "not_eligible"))
            return Explained(
                object["state"] as? String ?? "", object["rule"] as? String ?? "", object["attempts"] as? Int ?? -1,
                due: object["next_due"] is String)
        }
    }

    @Test func `A delivery is explained through its whole life`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            let href = try await client.postMessages(["1"], to: "orders")[0]
            func explained() async throws -> [Explained] { try await self.explain(client, href) }
            #expect(try await explained() == [Explained("queued", "not_fanned_out")])
            let leases = try await self.work(api, nil)
            #expect(try await explained() == [Explained("in_flight", "leased")])
            try await self.settle(api, leases, .retry(after: .seconds(30)), status: 503)
            #expect(try await explained() == [Explained("waiting", "retry", 1, due: true)])
            let last =
                try await client.get(href + "/deliveries").objects("deliveries")[0]["last_attempt"] as? [String: Any]
            #expect(last?["status"] as? Int == 503 && last?["attempt"] as? Int == 1)
            #expect(try await client.post("\(self.subscriptions)/\(id)/pause", nil).status == 204)
            #expect(try await explained() == [Explained("waiting", "paused", 1)])
            #expect(try await client.post("\(self.subscriptions)/\(id)/resume", nil).status == 204)
            api.time.pass(seconds: 31)
            #expect(try await explained() == [Explained("waiting", "due", 1, due: true)])
            // A notifier that leases it and dies has used an attempt.
            _ = try await self.work(api, nil)
            api.time.pass(seconds: 16)
            for shard in 0..<api.store.deliveries.shards { _ = try await api.store.deliveries.reap(shard) }
            #expect(try await explained() == [Explained("waiting", "due", 2, due: true)])
            _ = try await self.work(api, .deadLetter(.exhausted, summary: "deferred 503"), status: 503)
            #expect(try await explained() == [Explained("dead_letter", "exhausted", 3)])
            let redriven = try await client.post("/v2/queues/orders/dead_letters/redrive", #"{"max_per_second": 1}"#)
            #expect(redriven.json["redriven"] as? Int == 1)
            #expect(try await explained() == [Explained("waiting", "due", 0, due: true)])
            _ = try await self.work(api, .delivered)
            #expect(try await explained() == [Explained("delivered", "answered", 1)])
            // The message may be gone.
            #expect(try await client.delete(href).status == 204)
            #expect(try await explained() == [Explained("delivered", "answered", 1)])
            for _ in 0..<7 {
                _ = try await client.postMessages((0..<8).map { "\($0)" }, to: "orders")
                _ = try await self.work(api, .delivered)
            }
            #expect(try await explained() == [Explained("ended", "unknown")])
        }
    }

    @Test func `The reason that holds a delivery back is named`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await self.subscribe(client, "http://window")
            _ = try await self.subscribe(client, "http://ordered", #"{"_ordered": true}"#)
            _ = try await self.subscribe(client, "http://limit", #"{"_rate_limit": {"max_per_second": 1}}"#)
            let hrefs = try await client.postMessages((0..<9).map { "\($0)" }, to: "orders")
            let leases = try await self.work(api, nil)
            #expect(leases.count == 8 + 1 + 1)
            let expected = [
                Explained("waiting", "window", due: true), Explained("waiting", "ordered", due: true),
                Explained("waiting", "limit", due: true),
            ]
            #expect(try await self.explain(client, hrefs[8]) == expected)
            // The first of the ordered one fails and holds the others until its retry.
            try await self.settle(api, leases, .retry(after: .seconds(60)), status: 503)
            let first = [
                Explained("waiting", "retry", 1, due: true), Explained("waiting", "ordered", 1, due: true),
                Explained("waiting", "retry", 1, due: true),
            ]
            #expect(try await self.explain(client, hrefs[0]) == first)
            // Twenty failures in a row, of three deliveries, open the breaker.
            for _ in 0..<10 {
                api.time.pass(seconds: 61)
                _ = try await self.work(api, .retry(after: .seconds(60)), status: 503)
            }
            let after = try await self.explain(client, hrefs[0])
            #expect(after.first?.rule == "breaker" && after.first?.due == true, "\(after)")
        }
    }

    @Test func `A subscriber that is not eligible and a dead letter that was discarded are named`() async throws {
        let rules = ConfirmationRules(key: try #require(SignedURLKey("s3cret")), publicURL: nil)
        try await withAPI(confirmation: rules) { api async throws in
            let client = api.client()
            _ = try await self.subscribe(client, "http://asked")
            let agreed = try await self.subscribe(client, "http://agreed")
            let path = "\(self.subscriptions)/\(agreed)/confirm"
            #expect(try await client.put(path, #"{"confirmed": true}"#).status == 204)
            let href = try await client.postMessages(["1"], to: "orders")[0]
            let unasked = Explained("not_eligible", "unconfirmed")
            #expect(try await self.explain(client, href) == [unasked, Explained("queued", "not_fanned_out")])
            let deliveries = api.store.deliveries
            for shard in 0..<deliveries.shards {
                _ = try await deliveries.take(
                    shard, allowance: LeaseAllowance(capacity: 9), lease: .seconds(15), confirmedOnly: true)
                // The question to each of them came first.
                let waited = try await deliveries.lease(
                    shard, allowance: LeaseAllowance(capacity: 9), lease: .seconds(15)
                ).leases
                let leases = waited.filter { $0.kind == .notification }
                try await self.settle(api, leases, .deadLetter(.refused, summary: "refused 404"), status: 404)
            }
            _ = try await self.subscribe(client, "http://late")
            let late = Explained("not_eligible", "subscribed_later")
            let dead = try await self.explain(client, href)
            #expect(dead == [unasked, Explained("dead_letter", "refused", 1), late])
            let deadLetters = try await client.get("/v2/queues/orders/dead_letters").objects("dead_letters")
            let deadLetter = try #require(deadLetters.first?["id"] as? String)
            #expect(try await client.delete("/v2/queues/orders/dead_letters/\(deadLetter)").status == 204)
            #expect(try await self.explain(client, href) == [unasked, Explained("ended", "expired", 1), late])
        }
    }

    @Test func `Explanations come page by page, for ids of this queue alone`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            var ids: [String] = []
            for number in 0..<12 { ids.append(try await self.subscribe(client, "http://\(number)")) }
            let href = try await client.postMessages(["1"], to: "orders")[0]
            func page(_ path: String) async throws -> HTTPReply { try await client.get(path) }
            let first = try await page(href + "/deliveries?limit=7")
            #expect(first.objects("deliveries").map { $0["subscription_id"] as? String } == ids.prefix(7).map { $0 })
            let second = try await page(try #require(first.next))
            #expect(second.objects("deliveries").map { $0["subscription_id"] as? String } == ids.suffix(5).map { $0 })
            #expect(try await page(try #require(second.next)).objects("deliveries").isEmpty)
            #expect(try await page(href + "/deliveries?marker=x").objects("deliveries").isEmpty)
            #expect(try await page(href + "/deliveries?limit=0").status == 400)
            #expect(try await page("/v2/queues/orders/messages/nope/deliveries").status == 404)
            #expect(try await page(href.replacing("orders", with: "other") + "/deliveries").status == 404)
            #expect(try await api.client().get(href + "/deliveries").status == 404)
        }
    }
}
