import Domain
import TestKit
import Testing

/// When messages would be attempted, as the API tells it.
struct ScheduleTests {
    private let queue = "/v2/queues/q"

    private func subscribe(_ client: APIClient, options: String = "{}") async throws -> String {
        let reply = try await client.post(
            self.queue + "/subscriptions", #"{"subscriber": "http://a.example", "options": \#(options)}"#)
        return self.queue + "/subscriptions/" + (try #require(reply.json["subscription_id"] as? String))
    }

    private func waits(_ reply: HTTPReply) -> [Int] { reply.objects("attempts").compactMap { $0["wait"] as? Int } }

    @Test func `Without any policy it is the default one, as long as messages live`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let subscription = try await self.subscribe(client)
            let reply = try await client.get(subscription + "/schedule")
            #expect(reply.status == 200 && reply.json["decided_by"] as? String == "default")
            #expect(reply.json["ttl"] as? Int == 3600 && reply.json["count"] as? Int == 15)
            #expect(reply.json["end"] as? String == "exhausted")
            #expect(self.waits(reply) == [0, 0, 0, 0, 5, 5, 5, 5, 10, 15, 20, 25, 30, 30, 30])
            let last = try #require(reply.objects("attempts").last)
            #expect(last["attempt"] as? Int == 15 && last["offset"] as? Int == 180)
            #expect(last["phase"] as? String == "maximum")
            let short = try await client.get(subscription + "/schedule?ttl=120")
            #expect(short.json["count"] as? Int == 12 && short.json["end"] as? String == "expired")
            for ttl in ["59", "x", "1209601"] {
                #expect(try await client.get(subscription + "/schedule?ttl=\(ttl)").status == 400)
            }
            #expect(try await client.get(self.queue + "/subscriptions/nope/schedule").status == 404)
            #expect(try await client.post(subscription + "/schedule", "{}").status == 405)
        }
    }

    @Test func `It tells whose policy decides, and follows every change`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            func decided(_ path: String) async throws -> (by: String?, max: Int?, reason: String) {
                let json = try await client.get(path + "/schedule").json
                let policy = json["policy"] as? [String: Any]
                return (
                    json["decided_by"] as? String, policy?["maximum_delay"] as? Int, json["reason"] as? String ?? ""
                )
            }
            _ = try await client.put(
                self.queue, #"{"_default_message_ttl": 100, "_retry_policy": {"maximum_delay": 60}}"#)
            let subscription = try await self.subscribe(client)
            #expect(try await decided(subscription).by == "queue")
            #expect(try await decided(subscription).max == 60)
            #expect(try await client.get(subscription + "/schedule").json["ttl"] as? Int == 100)

            let options = #"{"options": {"_retry_policy": {"maximum_delay": 90}}}"#
            #expect(try await client.patch(subscription, options).status == 204)
            #expect(try await decided(subscription).by == "subscription")
            #expect(try await decided(subscription).max == 90)

            let strict = #"{"maximum_delay": 60, "ignore_subscription_override": true}"#
            let patch = #"[{"op": "replace", "path": "/metadata/_retry_policy", "value": \#(strict)}]"#
            let patched = try await client.send(
                "PATCH", self.queue, patch,
                headers: [("Content-Type", "application/openstack-messaging-v2.0-json-patch")])
            #expect(patched.status == 200)
            #expect(try await decided(subscription).max == 60)
            #expect(try await decided(subscription).reason.contains("ignore_subscription_override"))

            // The subscription stays, and has a queue without metadata.
            #expect(try await client.delete(self.queue).status == 204)
            #expect(try await decided(subscription).by == "subscription")
        }
    }
}
