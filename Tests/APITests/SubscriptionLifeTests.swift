import Domain
import TestKit
import Testing

/// Subscriptions without an end, and those that are renewed.
struct SubscriptionLifeTests {
    private let path = "/v2/queues/orders/subscriptions"

    private func subscribe(
        _ client: APIClient, _ members: String, renewing: String? = nil
    ) async throws -> HTTPReply {
        try await client.send(
            "POST", self.path, #"{"subscriber": "http://a.example"\#(members)}"#,
            headers: renewing.map { [("Herald-Renew", $0)] } ?? [])
    }

    private func ttl(_ client: APIClient, _ id: String?) async throws -> (ttl: Int?, age: Int?) {
        let shown = try await client.get("\(self.path)/\(id ?? "")").json
        return (shown["ttl"] as? Int, shown["age"] as? Int)
    }

    @Test func `A subscription without an end shows the ttl that stands for ever, and is there after any time`()
        async throws
    {
        try await withAPI { api async throws in
            let client = api.client()
            let id =
                try await self.subscribe(client, #", "options": {"_no_end": true}"#).json["subscription_id"] as? String
            #expect(try await self.ttl(client, id) == (220_367_260_800, 0))
            api.time.pass(seconds: 500 * 366 * 86_400)
            #expect(try await self.ttl(client, id).age == 500 * 366 * 86_400)
            // What a client has read it may write back.
            let both = #"{"ttl": 220367260800, "options": {"_no_end": true}}"#
            #expect(try await client.patch("\(self.path)/\(id ?? "")", both).status == 204)
            #expect(
                try await client.patch("\(self.path)/\(id ?? "")", #"{"options": {"_no_end": true, "a": 1}}"#).status
                    == 204)
            // It does not get an end by the way.
            let without = try await client.patch("\(self.path)/\(id ?? "")", #"{"options": {}}"#)
            #expect(without.status == 400 && without.text.contains("needs a ttl"))
            #expect(try await client.patch("\(self.path)/\(id ?? "")", #"{"options": {}, "ttl": 60}"#).status == 204)
            #expect(try await self.ttl(client, id).ttl == 60)
        }
    }

    @Test(arguments: [
        #", "ttl": 60, "options": {"_no_end": true}"#, #", "options": {"_no_end": 1}"#,
        #", "options": {"_no_end": "true"}"#,
        #", "ttl": 0"#, #", "ttl": 0, "options": {"_no_end": true}"#,
    ])
    func `An end beside none, and no boolean, are refused`(members: String) async throws {
        try await withAPI { api async throws in
            let client = api.client()
            #expect(try await self.subscribe(client, members).status == 400)
            #expect(try await self.subscribe(client, #", "ttl": 60, "options": {"_no_end": false}"#).status == 201)
        }
    }

    @Test func `A known subscriber is renewed on request, and only then`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let made = try await self.subscribe(client, #", "ttl": 100, "options": {"a": 1}"#, renewing: "true")
            #expect(made.status == 201)
            let id = made.json["subscription_id"] as? String
            api.time.pass(seconds: 90)
            let unchanged = try await self.subscribe(client, #", "ttl": 300"#)
            #expect(unchanged.status == 201 && unchanged.json["subscription_id"] as? String == id)
            #expect(try await self.ttl(client, id) == (100, 90))
            // Its own ttl, from now on, and its options.
            let renewed = try await self.subscribe(client, "", renewing: "true")
            #expect(renewed.status == 200 && renewed.json["subscription_id"] as? String == id)
            #expect(try await self.ttl(client, id) == (100, 0))
            func options() async throws -> [String: Int]? {
                try await client.get("\(self.path)/\(id ?? "")").json["options"] as? [String: Int]
            }
            #expect(try await options() == ["a": 1])
            #expect(
                try await self.subscribe(client, #", "ttl": 200, "options": {"b": 2}"#, renewing: "true").status == 200)
            #expect(try await self.ttl(client, id).ttl == 200)
            #expect(try await options() == ["b": 2])
            // Confirmed ones too, which are a 409 otherwise.
            #expect(try await client.put("\(self.path)/\(id ?? "")/confirm", #"{"confirmed": true}"#).status == 204)
            let refused = try await self.subscribe(client, "", renewing: "false")
            #expect(refused.status == 409 && refused.text.contains(id ?? "-"))
            #expect(try await self.subscribe(client, #", "ttl": 70"#, renewing: "true").status == 200)
            #expect(try await self.ttl(client, id).ttl == 70)
            #expect(try await client.get("\(self.path)/\(id ?? "")").json["confirmed"] as? Bool == true)
            #expect(try await self.subscribe(client, "", renewing: "yes").status == 400)
            #expect(try await client.get(self.path).objects("subscriptions").count == 1)
        }
    }

    @Test func `Renewing keeps a life without an end, and gives it up where the options leave it out`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id =
                try await self.subscribe(client, #", "options": {"_no_end": true}"#).json["subscription_id"] as? String
            #expect(try await self.subscribe(client, "", renewing: "true").status == 200)
            #expect(try await self.ttl(client, id).ttl == 220_367_260_800)
            // Neither way gives it an end beside the option.
            #expect(try await client.patch("\(self.path)/\(id ?? "")", #"{"ttl": 3600}"#).status == 400)
            #expect(try await self.subscribe(client, #", "ttl": 3600"#, renewing: "true").status == 400)
            #expect(try await self.ttl(client, id).ttl == 220_367_260_800)
            #expect(try await self.subscribe(client, #", "options": {}"#, renewing: "true").status == 200)
            #expect(try await self.ttl(client, id).ttl == 3600)
        }
    }

    @Test func `A connection renews by a header of its request, and has an end of its own`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let body = #"{"queue_name": "q", "subscriber": "http://a.example", "ttl": 100}"#
            let first = try await client.call("subscription_create", body)
            let renewed = try await client.call(
                "subscription_create", body, headers: client.headers(["Herald-Renew": "true"]))
            #expect(first.status == 201 && renewed.status == 200)
            for header in ["Herald-Renew", "Idempotency-Key"] {
                let number = client.headers([header: "number"]).replacing("\"number\"", with: "1")
                let refused = try await client.call("subscription_create", body, headers: number)
                #expect(refused.status == 400 && refused.text.contains("\(header) has to be a string"))
            }
            #expect(first["subscription_id"] as? String == renewed["subscription_id"] as? String)
            let own = try await client.call(
                "subscription_create", #"{"queue_name": "q", "options": {"_no_end": true}}"#)
            #expect(own.status == 400 && own.text.contains("_no_end"))
        }
    }
}
