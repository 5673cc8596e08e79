import API
import Domain
import Operations
import Signing
import Store
import TestKit
import Testing

struct SubscriptionServiceTests {
    private let path = "/v2/queues/orders/subscriptions"
    private let queue = "/v2/queues/orders"

    private func subscribe(_ client: APIClient, _ options: String = "{}") async throws -> String {
        let reply = try await client.post(self.path, "{\"subscriber\": \"http://a.example\", \"options\": \(options)}")
        return try #require(reply.json["subscription_id"] as? String)
    }

    /// Leases what waits, as a notifier would.
    private func lease(_ api: RunningAPI) async throws -> [(shard: Int, lease: Lease)] {
        var leases: [(Int, Lease)] = []
        for shard in 0..<api.store.deliveries.shards {
            let deliveries = api.store.deliveries
            let taken = try await deliveries.take(
                shard, allowance: LeaseAllowance(capacity: 100), lease: .seconds(15), confirmedOnly: false)
            let leased = try await deliveries.lease(
                shard, allowance: LeaseAllowance(capacity: 100), lease: .seconds(15))
            leases += (taken.leases + leased.leases).map { (shard, $0) }
        }
        return leases
    }

    @Test func `The attempts of a subscription are told, newest first, page by page`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            let attempts = "\(self.path)/\(id)/attempts"
            #expect(try await client.get(attempts).text == #"{"attempts":[],"links":[]}"#)
            let hrefs = try await client.postMessages(["1", "2", "3"], to: "orders")
            let outcomes: [Outcome] = [
                .unreachable(.tooLarge), .deferred(code: 503, notBefore: nil), .accepted(code: 200),
            ]
            for (number, (shard, lease)) in try await self.lease(api).enumerated() {
                var exchange = Exchange()
                (exchange.dns, exchange.connect, exchange.tls, exchange.firstByte, exchange.total) = (1, 2, 3, 4, 10)
                exchange.address = number == 0 ? nil : .public
                exchange.reconnected = number == 2
                let report = AttemptReport(
                    startedAt: Timestamp(milliseconds: 1_700_000_000_007), kind: .notification,
                    outcome: outcomes[number], exchange: exchange)
                let settlement = Settlement(lease, number == 2 ? .delivered : .retry(after: .zero), after: report)
                #expect(try await api.store.deliveries.settle(shard, [settlement]).written == [true])
            }
            let page = try await client.get(attempts + "?limit=2")
            #expect(page.status == 200)
            let told = page.objects("attempts")
            #expect(told.map { $0["number"] as? Int } == [3, 2])
            #expect(told[0]["time"] as? String == "2023-11-14T22:13:20.007Z")
            #expect(hrefs[2].hasSuffix("/\(told[0]["message_id"] as? String ?? "")"))
            #expect((told[0]["delivery_id"] as? String)?.isEmpty == false)
            #expect(told[0]["message_type"] as? String == "Notification" && told[0]["attempt"] as? Int == 1)
            #expect(told[0]["succeeded"] as? Bool == true && told[0]["status"] as? Int == 200)
            #expect(told[0]["address"] as? String == "public")
            #expect(told.map { $0["reconnected"] as? Bool } == [true, false])
            let phases = ["dns": 1, "connect": 2, "tls": 3, "first_byte": 4, "total": 10]
            #expect(told[0]["ms"] as? [String: Int] == phases)
            #expect(told[1]["succeeded"] as? Bool == false && told[1]["status"] as? Int == 503)
            let next = try #require(page.objects("links").first?["href"] as? String)
            let last = try await client.get(next)
            let oldest = try #require(last.objects("attempts").first)
            #expect(oldest["error"] as? String == "too_large" && oldest["status"] is Int == false)
            #expect(oldest["address"] is String == false)
            let end = try await client.get(try #require(last.objects("links").first?["href"] as? String))
            #expect(end.text == #"{"attempts":[],"links":[]}"#)
            #expect(try await client.get(attempts + "?marker=x").objects("attempts").isEmpty)
            #expect(try await client.get(attempts + "?limit=0").status == 400)
        }
    }

    @Test func `A paused subscription says so, owes what is posted, and is served again when it is resumed`()
        async throws
    {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            func health() async throws -> HTTPReply { try await client.get("\(self.path)/\(id)/health") }
            #expect(
                try await health().text
                    == #"{"state":"active","since":null,"breaker":{"state":"closed","failures":0,"failing_since":null,"#
                    + #""probe_at":null},"window":8,"in_flight":0,"backlog":0,"oldest_due":null,"expired":0,"#
                    + #""attempts":{"succeeded":0,"failed":0},"#
                    + #""recent":{"attempts":0,"success_share":null,"p50_ms":null,"p99_ms":null}}"#)
            for _ in 0..<2 { #expect(try await client.post("\(self.path)/\(id)/pause", "").status == 204) }
            _ = try await client.postMessages(["1", "2"], to: "orders")
            #expect(try await self.lease(api).isEmpty)
            let paused = try await health().json
            #expect(paused["state"] as? String == "paused" && paused["since"] is String)
            #expect(paused["backlog"] as? Int == 2 && paused["oldest_due"] is String)
            #expect(try await client.post("\(self.path)/\(id)/resume", "").status == 204)
            #expect(try await self.lease(api).count == 2)
            #expect(try await health().json["in_flight"] as? Int == 2)
            #expect(try await client.get("\(self.path)/\(id)/pause").status == 405)
            for verb in ["pause", "resume"] {
                #expect(try await client.post("\(self.path)/fake/\(verb)", "").status == 404)
            }
        }
    }

    @Test func `Failures show in the breaker, and what only confirmation opens is unconfirmed`() async throws {
        let key = try #require(SignedURLKey("a-key-of-sixteen-and-more"))
        try await withAPI(confirmation: ConfirmationRules(key: key, publicURL: nil)) { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            func health() async throws -> [String: Any] { try await client.get("\(self.path)/\(id)/health").json }
            #expect(try await health()["state"] as? String == "unconfirmed")
            #expect(try await client.put("\(self.path)/\(id)/confirm", #"{"confirmed": true}"#).status == 204)
            #expect(try await health()["state"] as? String == "active")
            _ = try await client.postMessages(["1", "2", "3", "4"], to: "orders")
            var open = try await health()
            for _ in 0..<30 where open["state"] as? String != "open" {
                for (shard, lease) in try await self.lease(api) {
                    _ = try await api.store.deliveries.settle(shard, [Settlement(lease, .retry(after: .zero))])
                }
                open = try await health()
            }
            #expect(open["state"] as? String == "open" && open["since"] is String && open["window"] as? Int == 1)
            let breaker = try #require(open["breaker"] as? [String: Any])
            #expect(breaker["state"] as? String == "open" && breaker["probe_at"] is String)
            #expect(breaker["failures"] as? Int ?? 0 >= 20 && breaker["failing_since"] is String)
            // The longest that a breaker stays open, however often it has opened on a slow machine.
            api.time.pass(seconds: 60)
            #expect((try await health()["breaker"] as? [String: Any])?["state"] as? String == "half_open")
            #expect(try await client.post("\(self.path)/\(id)/resume", "").status == 204)
            #expect(try await health()["state"] as? String == "active")
        }
    }

    @Test func `Options of the pace reach the deliveries, also when they change`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client, #"{"_ordered": true, "a": 1}"#)
            _ = try await client.postMessages(["1", "2", "3"], to: "orders")
            let first = try await self.lease(api)
            #expect(first.count == 1)
            let patched = try await client.send(
                "PATCH", "\(self.path)/\(id)", #"{"options": {"_rate_limit": {"max_per_second": 1}}}"#)
            #expect(patched.status == 204)
            #expect(
                try await api.store.deliveries.settle(first[0].shard, [Settlement(first[0].lease, .delivered)]).written
                    == [
                        true
                    ])
            #expect(try await self.lease(api).count == 1)
            #expect(try await self.lease(api).isEmpty)
            let shown = try await client.get("\(self.path)/\(id)").json["options"] as? [String: Any]
            #expect(shown?.keys.sorted() == ["_rate_limit"])
            for options in [#"{"_ordered": 1}"#, #"{"_rate_limit": {"max_per_second": -1}}"#] {
                let refused = try await client.send("PATCH", "\(self.path)/\(id)", "{\"options\": \(options)}")
                #expect(refused.status == 400 && refused.title == "Invalid API request")
            }
        }
    }

    @Test func `A test is owed like any other delivery, with the body that was asked for`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            let path = "\(self.path)/\(id)/test"
            let bodies = ["", "{}", #"{"body": [1, "two"]}"#, #"{"body": null}"#]
            let expected = [#"{"test":true}"#, #"{"test":true}"#, #"[1, "two"]"#, "null"]
            var deliveries: [String] = []
            for body in bodies {
                let reply = try await client.post(path, body)
                #expect(reply.status == 202 && reply["Location"] == "\(self.path)/\(id)/attempts")
                deliveries.append(try #require(reply.json["delivery_id"] as? String))
            }
            let leases = try await self.lease(api)
            #expect(leases.allSatisfy { $0.lease.kind == .test && $0.lease.ttl == 300 })
            let sent = leases.map { String(decoding: $0.lease.body, as: UTF8.self) }
            #expect(sent == expected.map { #"{"body":\#($0),"ttl":300,"queue_name":"orders","Message_Type":"Test"}"# })
            let owed = leases.map {
                api.store.deliveries.deliveryID(subscription: $0.lease.subscription, position: $0.lease.position).text
            }
            #expect(owed == deliveries)
        }
    }

    @Test func `What is no test is refused, and so is one to a subscriber nothing is sent to`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            for body in ["[]", "{", #"{"text": 1}"#] {
                #expect(try await client.post("\(self.path)/\(id)/test", body).status == 400)
            }
            #expect(try await client.post("\(self.path)/nope/test", "").status == 404)
            let mail = try await client.post(self.path, #"{"subscriber": "mailto:a@example.com"}"#)
            let address = try #require(mail.json["subscription_id"] as? String)
            let refused = try await client.post("\(self.path)/\(address)/test", "")
            #expect(refused.status == 400 && refused.words.contains("No mail is sent"))
            #expect(try await self.lease(api).isEmpty)
        }
    }

    @Test func `Who has to confirm gets no test before`() async throws {
        let rules = ConfirmationRules(key: try #require(SignedURLKey("s3cret")), publicURL: nil)
        try await withAPI(confirmation: rules) { api async throws in
            let client = api.client()
            let path = "\(self.path)/\(try await self.subscribe(client))"
            #expect(try await client.post(path + "/test", "").status == 409)
            #expect(try await client.put(path + "/confirm", #"{"confirmed": true}"#).status == 204)
            #expect(try await client.post(path + "/test", "").status == 202)
        }
    }
}
