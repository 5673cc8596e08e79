import API
import Domain
import Foundation
import Store
import TestKit
import Testing

struct DeadLetterRouteTests {
    private let path = "/v2/queues/orders/dead_letters"

    private func subscribe(_ client: APIClient, _ address: String = "http://a") async throws -> String {
        let reply = try await client.post("/v2/queues/orders/subscriptions", "{\"subscriber\": \"\(address)\"}")
        return try #require(reply.json["subscription_id"] as? String)
    }

    /// Ends every delivery that is due as a dead letter.
    private func makeDeadLetters(_ api: RunningAPI, _ reason: DeliveryDecision.Reason = .refused) async throws {
        let deliveries = api.store.deliveries
        for shard in 0..<deliveries.shards {
            let leases = try await api.leaseDue(in: shard, fanningOut: true)
            let endings = leases.map { Settlement($0, .deadLetter(reason, summary: "refused 404")) }
            #expect(try await deliveries.settle(shard, endings).written.allSatisfy { $0 })
        }
    }

    private func time(_ seconds: Double) -> String {
        Date(timeIntervalSince1970: seconds).formatted(.iso8601)
    }

    @Test func `Dead letters are listed, shown with their body, and discarded`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            #expect(try await client.get(self.path).text == #"{"dead_letters":[],"links":[]}"#)
            let id = try await self.subscribe(client)
            let hrefs = try await client.postMessages([#"{"n": 1}"#, "2", "3"], to: "orders")
            try await self.makeDeadLetters(api)
            let page = try await client.get(self.path + "?limit=2")
            let listed = page.objects("dead_letters")
            #expect(page.status == 200 && listed.count == 2)
            let message = try #require(hrefs[0].split(separator: "/").last)
            let deadLetter = try #require(listed.first { $0["message_id"] as? String == String(message) })
            #expect(deadLetter["id"] as? String == "\(id).\(message)" && deadLetter["subscription_id"] as? String == id)
            #expect(deadLetter["attempts"] as? Int == 1 && deadLetter["reason"] as? String == "refused")
            #expect(deadLetter["last_outcome"] as? String == "refused 404")
            #expect(deadLetter["message_type"] as? String == "Notification")
            #expect((deadLetter["delivery_id"] as? String)?.isEmpty == false)
            #expect((deadLetter["ended_at"] as? String)?.hasSuffix("Z") == true)
            let rest = try await client.get(try #require(page.next))
            #expect(rest.objects("dead_letters").count == 1 && rest.next == nil)
            let shown = try await client.get("\(self.path)/\(id).\(message)")
            #expect(shown.status == 200 && shown.text.hasSuffix(#","ttl":3600,"body":{"n": 1}}"#))
            #expect(try await client.delete("\(self.path)/\(id).\(message)").status == 204)
            #expect(try await client.delete("\(self.path)/\(id).\(message)").status == 204)
            #expect(try await client.get("\(self.path)/\(id).\(message)").status == 404)
            #expect(try await client.get(self.path).objects("dead_letters").count == 2)
            for query in ["limit=0", "limit=x", "since=yesterday", "until=5", "reason=none", "subscription=x"] {
                #expect(try await client.get("\(self.path)?\(query)").status == 400, "\(query)")
            }
            for query in ["marker=x", "marker=1.x", "reason=expired", "until=2001-01-01", "since=2100-01-01T00:00:00Z"]
            {
                #expect(try await client.get("\(self.path)?\(query)").objects("dead_letters").isEmpty, "\(query)")
            }
            let query = "?reason=refused&subscription=\(id)&since=2001-01-01&until=2100-01-01"
            #expect(try await client.get(self.path + query).objects("dead_letters").count == 2)
        }
    }

    @Test func `Dead letters of another project or queue are neither shown nor sent`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            let href = try await client.postMessages(["1"], to: "orders")[0]
            try await self.makeDeadLetters(api)
            let deadLetter = "\(id).\(try #require(href.split(separator: "/").last))"
            let stranger = api.client()
            _ = try await stranger.put("/v2/queues/orders")
            _ = try await client.put("/v2/queues/other")
            for (who, queue) in [(stranger, "orders"), (client, "other")] {
                let path = "/v2/queues/\(queue)/dead_letters"
                #expect(try await who.get(path).text == #"{"dead_letters":[],"links":[]}"#)
                #expect(try await who.get("\(path)/\(deadLetter)").status == 404)
                #expect(try await who.delete("\(path)/\(deadLetter)").status == 204)
                let redriven = try await who.post(path + "/redrive", "{\"ids\": [\"\(deadLetter)\"]}")
                #expect(redriven.json["redriven"] as? Int == 0)
                #expect((redriven.json["skipped"] as? [String: Int])?["unknown"] == 1)
            }
            #expect(try await client.get("\(self.path)/\(deadLetter)").status == 200)
        }
    }

    @Test func `Dead letters are sent again by id, by what they are, and by when they ended`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let (first, second) = (try await self.subscribe(client), try await self.subscribe(client, "http://b"))
            let hrefs = try await client.postMessages(["1", "2"], to: "orders")
            try await self.makeDeadLetters(api)
            let message = try #require(hrefs[0].split(separator: "/").last)
            func redrive(_ body: String) async throws -> Int? {
                let reply = try await client.post(self.path + "/redrive", body)
                #expect(reply.status == 200, "\(reply.text)")
                return reply.json["redriven"] as? Int
            }
            let answer = try await client.post(
                self.path + "/redrive", "{\"ids\": [\"\(first).\(message)\", \"nope\"], \"max_per_second\": null}")
            #expect(
                answer.text
                    == #"{"redriven":1,"skipped":{"unknown":1,"subscription_ended":0,"unconfirmed":0,"not_a_message":0,"no_body":0,"busy":0},"marker":null}"#
            )
            #expect(try await api.leaseDue().map(\.subscription.text) == [first])
            #expect(try await redrive(#"{"reason": "exhausted"}"#) == 0)
            #expect(try await redrive(#"{"until": "2001-01-01"}"#) == 0)
            #expect(try await redrive(#"{"since": "2100-01-01"}"#) == 0)
            #expect(try await redrive("{\"subscription\": \"\(second)\", \"since\": \"2001-01-01\"}") == 2)
            #expect(try await api.leaseDue().count == 2)
            #expect(try await redrive("") == 1)
            #expect(try await redrive("{}") == 0)
            #expect(try await client.get(self.path).objects("dead_letters").isEmpty)
        }
    }

    @Test(arguments: [
        "[]", "{", #"{"ids": []}"#, #"{"ids": [1]}"#, #"{"ids": ["a"], "reason": "refused"}"#, #"{"reason": "none"}"#,
        #"{"since": 5}"#, #"{"until": "soon"}"#, #"{"max_per_second": 0}"#, #"{"max_per_second": 1.5}"#,
        #"{"rate": 5}"#, #"{"marker": "x"}"#, #"{"subscription": "x"}"#,
    ])
    func `A body that is no redrive is refused`(body: String) async throws {
        try await withAPI { api async throws in
            #expect(try await api.client().post(self.path + "/redrive", body).status == 400)
        }
    }

    @Test func `A rate spreads dead letters over time, and a call moves a thousand and returns a marker`()
        async throws
    {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            for _ in 0..<11 {
                _ = try await client.postMessages((0..<100).map { "\($0)" }, to: "orders")
                for _ in 0..<14 { try await self.makeDeadLetters(api, .expired) }
            }
            let one = try await client.post(self.path + "/redrive", #"{"max_per_second": 100}"#)
            #expect(one.json["redriven"] as? Int == 1000)
            let marker = try #require(one.json["marker"] as? String)
            let rest = try await client.post(
                self.path + "/redrive", "{\"max_per_second\": 100, \"marker\": \"\(marker)\"}")
            #expect(rest.json["redriven"] as? Int == 100 && rest.json["marker"] is String == false)
            let health = try await client.get("/v2/queues/orders/subscriptions/\(id)/health")
            #expect(health.json["backlog"] as? Int == 1100)
            // Ten seconds' worth: most is not due yet.
            #expect(try await api.leaseDue().count < 100)
        }
    }

    @Test func `A subscription is sent again what failed of it since then`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            _ = try await self.subscribe(client, "http://b")
            _ = try await client.postMessages(["1", "2"], to: "orders")
            try await self.makeDeadLetters(api)
            let path = "/v2/queues/orders/subscriptions/\(id)/recover"
            #expect(try await client.post(path, nil).status == 400)
            #expect(try await client.post(path + "?since=soon", nil).status == 400)
            #expect(try await client.post(path + "?since=2001-01-01&max_per_second=0", nil).status == 400)
            let unknown = path.replacing(id, with: "nope")
            #expect(try await client.post(unknown + "?since=2001-01-01", nil).status == 404)
            #expect(try await client.post(path + "?since=2100-01-01", nil).json["redriven"] as? Int == 0)
            let reply = try await client.post(path + "?since=2001-01-01T00:00:00Z&max_per_second=1000", nil)
            #expect(reply.json["redriven"] as? Int == 2)
            let due = try await api.leaseDue()
            #expect(due.allSatisfy { $0.subscription.text == id })
            #expect(try await client.get(self.path).objects("dead_letters").count == 2)
        }
    }
}
