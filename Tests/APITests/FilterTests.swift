import Domain
import Store
import TestKit
import Testing

/// Filter policies over the API: stored, tried, and explained.
struct FilterTests {
    private let subscriptions = "/v2/queues/orders/subscriptions"

    private func subscribe(_ client: APIClient, _ address: String, filter: String) async throws -> String {
        let reply = try await client.post(
            self.subscriptions, #"{"subscriber": "\#(address)", "options": {"_filter": \#(filter)}}"#)
        return try #require(reply.json["subscription_id"] as? String)
    }

    @Test func `A policy with a fault is a 400 that names its place, and nothing is stored`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let wrong = #"{"options": {"_filter": {"price": [{"numeric": ["<"]}]}}"#
            let refused = try await client.post(self.subscriptions, wrong + #", "subscriber": "http://a"}"#)
            #expect(refused.status == 400)
            #expect(
                refused.json["description"] as? String ?? ""
                    == "The option _filter: `/price/0/numeric` takes pairs of an operator (=, <, <=, >, >=) and a number."
            )
            #expect(try await client.get(self.subscriptions).objects("subscriptions").isEmpty)
            let id = try await self.subscribe(client, "http://a", filter: #"{"a": [1]}"#)
            #expect(try await client.patch("\(self.subscriptions)/\(id)", wrong + "}").status == 400)
            let options = try await client.get("\(self.subscriptions)/\(id)").json["options"] as? [String: Any]
            #expect((options?["_filter"] as? [String: [Int]]) == ["a": [1]])
        }
    }

    @Test func `A policy is tried without storing anything, that of the subscription or another`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client, "http://a", filter: #"{"event": ["created"]}"#)
            let path = "\(self.subscriptions)/\(id)/filter/test"
            let matches = try await client.post(path, #"{"body": {"event": "created"}}"#)
            #expect(matches.status == 200 && matches.text == #"{"matches":true}"#)
            let refused = try await client.post(path, #"{"body": {"event": "deleted"}}"#)
            #expect(refused.text == #"{"matches":false,"pointer":"/event","reason":"`/event` is none of the values"}"#)
            let other = try await client.post(
                path, #"{"body": {"event": "deleted"}, "filter": {"event": ["deleted"]}}"#)
            #expect(other.text == #"{"matches":true}"#)
            #expect(try await client.post(path, #"{"body": 1}"#).json["pointer"] as? String == "")
            for body in [
                "{}", #"{"filter": {"a": [1]}}"#, #"{"body": 1, "filter": {"a": 1}}"#, #"{"body": 1, "x": 1}"#, "[]",
                "{",
            ] {
                #expect(try await client.post(path, body).status == 400, "\(body)")
            }
            #expect(try await client.post("\(self.subscriptions)/nope/filter/test", #"{"body": 1}"#).status == 404)
            let plain = try await client.post(self.subscriptions, #"{"subscriber": "http://b"}"#)
            let without = "\(self.subscriptions)/\(plain.json["subscription_id"] as? String ?? "")/filter/test"
            #expect(try await client.post(without, #"{"body": 1}"#).status == 400)
            #expect(
                try await client.post(without, #"{"body": {"a": 1}, "filter": {"a": [1]}}"#).json["matches"] as? Bool
                    == true)
        }
    }

    @Test(arguments: [false, true])
    func `A refused message is explained by the key that refused it`(isEncrypted: Bool) async throws {
        try await withAPI { api async throws in
            let client = api.client()
            if isEncrypted {
                _ = try await client.put("/v2/queues/orders", #"{"_enable_encrypt_messages": true}"#)
            }
            _ = try await self.subscribe(client, "http://a", filter: #"{"event": ["created"]}"#)
            _ = try await self.subscribe(client, "http://b", filter: #"{"event": ["deleted"]}"#)
            _ = try await client.post(self.subscriptions, #"{"subscriber": "http://c"}"#)
            let href = try await client.postMessages([#"{"event": "deleted"}"#], to: "orders")[0]
            func explained() async throws -> [[String: Any]] {
                try await client.get(href + "/deliveries").objects("deliveries")
            }
            for isFannedOut in [false, true] {
                if isFannedOut {
                    for shard in 0..<api.store.deliveries.shards { try await self.fanOut(api, shard) }
                }
                let deliveries = try await explained()
                #expect(
                    deliveries.map { $0["rule"] as? String } == ["filter"]
                        + Array(repeating: isFannedOut ? "leased" : "not_fanned_out", count: 2))
                #expect(deliveries.map { $0["eligible"] as? Bool } == [false, true, true])
                let filters = deliveries.map { $0["filter"] as? [String: Any] }
                #expect(filters[0]?["matches"] as? Bool == false && filters[0]?["pointer"] as? String == "/event")
                #expect(filters[1]?["matches"] as? Bool == true && filters[1]?["pointer"] == nil && filters[2] == nil)
            }
            // Once the message is gone nothing tells any more.
            #expect(try await client.delete(href).status == 204)
            #expect(try await explained().map { $0["rule"] as? String }[0] == "unknown")
        }
    }

    /// Fans out by the verdicts that the policies of this test give: the first subscription is refused.
    private func fanOut(_ api: RunningAPI, _ shard: Int) async throws {
        var verdicts: [EventVerdicts] = []
        while true {
            let taken = try await api.store.deliveries.take(
                shard, allowance: LeaseAllowance(capacity: 100), lease: .seconds(60), confirmedOnly: false,
                verdicts: verdicts)
            verdicts = taken.undecided.map { event in
                EventVerdicts(on: event, wanted: event.recipients.indices.map { [$0 != 0] })
            }
            guard taken.more else { return }
        }
    }

    @Test func `Stored data of an older format takes no policy`() async throws {
        try await withRedis { redis in
            try await withAPI(redis: redis) { _ in }
            try await redis.command("SET", "herald:{control}:format", "3")
            try await withAPI(redis: redis) { api async throws in
                let client = api.client()
                let refused = try await client.post(
                    self.subscriptions, #"{"subscriber": "http://a", "options": {"_filter": {"a": [1]}}}"#)
                #expect(
                    refused.status == 400
                        && refused.text.contains("takes format 4 of the stored data, which has format 3"))
                let made = try await client.post(self.subscriptions, #"{"subscriber": "http://a"}"#)
                let path = "\(self.subscriptions)/\(made.json["subscription_id"] as? String ?? "")"
                #expect(try await client.patch(path, #"{"options": {"_filter": {"a": [1]}}}"#).status == 400)
                #expect(try await client.patch(path, #"{"options": {"a": 1}}"#).status == 204)
            }
        }
    }
}
