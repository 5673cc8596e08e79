import API
import Domain
import Foundation
import Store
import TestKit
import Testing

struct DeadLetterRouteTests {
    private let letters = "/v2/queues/orders/dead_letters"

    private func subscribe(_ client: APIClient, _ address: String = "http://a") async throws -> String {
        let reply = try await client.post("/v2/queues/orders/subscriptions", "{\"subscriber\": \"\(address)\"}")
        return try #require(reply.json["subscription_id"] as? String)
    }

    /// Has everything that is owed end so.
    private func bury(_ api: RunningAPI, _ reason: DeliveryDecision.Reason = .refused) async throws {
        let deliveries = api.store.deliveries
        for shard in 0..<deliveries.shards {
            var leases = try await deliveries.take(
                shard, allowance: LeaseAllowance(capacity: 100), lease: .seconds(15), confirmedOnly: false
            )
            .leases
            leases += try await deliveries.lease(shard, allowance: LeaseAllowance(capacity: 100), lease: .seconds(15))
                .leases
            let endings = leases.map { Settlement($0, .deadLetter(reason, summary: "refused 404")) }
            #expect(try await deliveries.settle(shard, endings).written.allSatisfy { $0 })
        }
    }

    private func owed(_ api: RunningAPI) async throws -> [Lease] {
        var leases: [Lease] = []
        for shard in 0..<api.store.deliveries.shards {
            leases += try await api.store.deliveries.lease(
                shard, allowance: LeaseAllowance(capacity: 100), lease: .seconds(15)
            ).leases
        }
        return leases
    }

    private func time(_ seconds: Double) -> String {
        Date(timeIntervalSince1970: seconds).formatted(.iso8601)
    }

    @Test func `Dead letters are listed, shown with their body, and forgotten`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            #expect(try await client.get(self.letters).text == #"{"dead_letters":[],"links":[]}"#)
            let id = try await self.subscribe(client)
            let hrefs = try await client.postMessages([#"{"n": 1}"#, "2", "3"], to: "orders")
            try await self.bury(api)
            let page = try await client.get(self.letters + "?limit=2")
            let told = page.objects("dead_letters")
            #expect(page.status == 200 && told.count == 2)
            let message = try #require(hrefs[0].split(separator: "/").last)
            let letter = try #require(told.first { $0["message_id"] as? String == String(message) })
            #expect(letter["id"] as? String == "\(id).\(message)" && letter["subscription_id"] as? String == id)
            #expect(letter["attempts"] as? Int == 1 && letter["reason"] as? String == "refused")
            #expect(letter["last_outcome"] as? String == "refused 404")
            #expect(letter["message_type"] as? String == "Notification")
            #expect((letter["delivery_id"] as? String)?.isEmpty == false)
            #expect((letter["ended_at"] as? String)?.hasSuffix("Z") == true)
            let rest = try await client.get(try #require(page.next))
            #expect(rest.objects("dead_letters").count == 1 && rest.next == nil)
            let shown = try await client.get("\(self.letters)/\(id).\(message)")
            #expect(shown.status == 200 && shown.text.hasSuffix(#","ttl":3600,"body":{"n": 1}}"#))
            #expect(try await client.delete("\(self.letters)/\(id).\(message)").status == 204)
            #expect(try await client.delete("\(self.letters)/\(id).\(message)").status == 204)
            #expect(try await client.get("\(self.letters)/\(id).\(message)").status == 404)
            #expect(try await client.get(self.letters).objects("dead_letters").count == 2)
            for query in ["limit=0", "limit=x", "since=yesterday", "until=5", "reason=none", "subscription=x"] {
                #expect(try await client.get("\(self.letters)?\(query)").status == 400, "\(query)")
            }
            for query in ["marker=x", "marker=1.x", "reason=expired", "until=2001-01-01", "since=2100-01-01T00:00:00Z"]
            {
                #expect(try await client.get("\(self.letters)?\(query)").objects("dead_letters").isEmpty, "\(query)")
            }
            let query = "?reason=refused&subscription=\(id)&since=2001-01-01&until=2100-01-01"
            #expect(try await client.get(self.letters + query).objects("dead_letters").count == 2)
        }
    }

    @Test func `Nobody sees or sends the letters of another project or queue`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            let href = try await client.postMessages(["1"], to: "orders")[0]
            try await self.bury(api)
            let letter = "\(id).\(try #require(href.split(separator: "/").last))"
            let stranger = api.client()
            _ = try await stranger.put("/v2/queues/orders")
            _ = try await client.put("/v2/queues/other")
            for (who, queue) in [(stranger, "orders"), (client, "other")] {
                let path = "/v2/queues/\(queue)/dead_letters"
                #expect(try await who.get(path).text == #"{"dead_letters":[],"links":[]}"#)
                #expect(try await who.get("\(path)/\(letter)").status == 404)
                #expect(try await who.delete("\(path)/\(letter)").status == 204)
                let redriven = try await who.post(path + "/redrive", "{\"ids\": [\"\(letter)\"]}")
                #expect(redriven.json["redriven"] as? Int == 0)
                #expect((redriven.json["skipped"] as? [String: Int])?["unknown"] == 1)
            }
            #expect(try await client.get("\(self.letters)/\(letter)").status == 200)
        }
    }

    @Test func `Letters are sent again by id, by what they are, and by when they ended`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let (first, second) = (try await self.subscribe(client), try await self.subscribe(client, "http://b"))
            let hrefs = try await client.postMessages(["1", "2"], to: "orders")
            try await self.bury(api)
            let message = try #require(hrefs[0].split(separator: "/").last)
            func redrive(_ body: String) async throws -> Int? {
                let reply = try await client.post(self.letters + "/redrive", body)
                #expect(reply.status == 200, "\(reply.text)")
                return reply.json["redriven"] as? Int
            }
            let answer = try await client.post(
                self.letters + "/redrive", "{\"ids\": [\"\(first).\(message)\", \"nope\"], \"max_per_second\": null}")
            #expect(
                answer.text
                    == #"{"redriven":1,"skipped":{"unknown":1,"subscription_ended":0,"unconfirmed":0,"not_a_message":0,"no_body":0},"marker":null}"#
            )
            #expect(try await self.owed(api).map(\.subscription.text) == [first])
            #expect(try await redrive(#"{"reason": "exhausted"}"#) == 0)
            #expect(try await redrive(#"{"until": "2001-01-01"}"#) == 0)
            #expect(try await redrive(#"{"since": "2100-01-01"}"#) == 0)
            #expect(try await redrive("{\"subscription\": \"\(second)\", \"since\": \"2001-01-01\"}") == 2)
            #expect(try await self.owed(api).count == 2)
            #expect(try await redrive("") == 1)
            #expect(try await redrive("{}") == 0)
            #expect(try await client.get(self.letters).objects("dead_letters").isEmpty)
        }
    }

    @Test(arguments: [
        "[]", "{", #"{"ids": []}"#, #"{"ids": [1]}"#, #"{"ids": ["a"], "reason": "refused"}"#, #"{"reason": "none"}"#,
        #"{"since": 5}"#, #"{"until": "soon"}"#, #"{"max_per_second": 0}"#, #"{"max_per_second": 1.5}"#,
        #"{"rate": 5}"#, #"{"marker": "x"}"#, #"{"subscription": "x"}"#,
    ])
    func `A wish to send again that is none is refused`(body: String) async throws {
        try await withAPI { api async throws in
            #expect(try await api.client().post(self.letters + "/redrive", body).status == 400)
        }
    }

    @Test func `A rate spreads the letters over time, and a call moves a thousand and says where to go on`()
        async throws
    {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            for _ in 0..<11 {
                _ = try await client.postMessages((0..<100).map { "\($0)" }, to: "orders")
                for _ in 0..<14 { try await self.bury(api, .expired) }
            }
            let one = try await client.post(self.letters + "/redrive", #"{"max_per_second": 100}"#)
            #expect(one.json["redriven"] as? Int == 1000)
            let marker = try #require(one.json["marker"] as? String)
            let rest = try await client.post(
                self.letters + "/redrive", "{\"max_per_second\": 100, \"marker\": \"\(marker)\"}")
            #expect(rest.json["redriven"] as? Int == 100 && rest.json["marker"] is String == false)
            let health = try await client.get("/v2/queues/orders/subscriptions/\(id)/health")
            #expect(health.json["backlog"] as? Int == 1100)
            // Ten seconds' worth: most is not due yet.
            #expect(try await self.owed(api).count < 100)
        }
    }

    @Test func `A subscription is sent again what failed of it since then`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            _ = try await self.subscribe(client, "http://b")
            _ = try await client.postMessages(["1", "2"], to: "orders")
            try await self.bury(api)
            let path = "/v2/queues/orders/subscriptions/\(id)/recover"
            #expect(try await client.post(path, nil).status == 400)
            #expect(try await client.post(path + "?since=soon", nil).status == 400)
            #expect(try await client.post(path + "?since=2001-01-01&max_per_second=0", nil).status == 400)
            let unknown = path.replacing(id, with: "nope")
            #expect(try await client.post(unknown + "?since=2001-01-01", nil).status == 404)
            #expect(try await client.post(path + "?since=2100-01-01", nil).json["redriven"] as? Int == 0)
            let reply = try await client.post(path + "?since=2001-01-01T00:00:00Z&max_per_second=1000", nil)
            #expect(reply.json["redriven"] as? Int == 2)
            let owed = try await self.owed(api)
            #expect(owed.allSatisfy { $0.subscription.text == id })
            #expect(try await client.get(self.letters).objects("dead_letters").count == 2)
        }
    }
}
