import Domain
import Operations
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

    @Test func `A policy is tried without storing it, and a schedule of waits counts as any other`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let subscription = try await self.subscribe(client)
            let tried = try await client.get(
                subscription + "/schedule?policy=%7B%22schedule%22%3A%5B1%2C2%5D%7D&ttl=60")
            #expect(tried.json["decided_by"] as? String == "request" && self.waits(tried) == [0, 1, 2])
            #expect(
                tried.text.contains(
                    #""policy":{"schedule":[1,2],"repeats_last":false,"ignore_subscription_override":false}"#))
            for wrong in ["x", "%7B%7D", "%7B%22schedule%22%3A1%7D"] {
                #expect(try await client.get(subscription + "/schedule?policy=\(wrong)").status == 400, "\(wrong)")
            }
            let stored = try await client.get(subscription + "/schedule")
            #expect(stored.json["decided_by"] as? String == "default" && stored.json["count"] as? Int == 15)
            let options = #"{"options": {"_retry_policy": {"schedule": "standard-webhooks"}}}"#
            #expect(try await client.patch(subscription, options).status == 204)
            let named = try await client.get(subscription + "/schedule?ttl=1209600")
            #expect(named.json["decided_by"] as? String == "subscription" && named.json["count"] as? Int == 10)
            #expect(named.objects("attempts").last?["phase"] as? String == "named")
        }
    }

    @Test func `What the deployment sets is shown where nothing else does`() async throws {
        var options = APIOptions()
        options.retryPolicyDefault = RetryPolicy(waits: [7, 8])
        try await withAPI(options: options) { api async throws in
            let client = api.client()
            let subscription = try await self.subscribe(client)
            let shown = try await client.get(subscription + "/schedule")
            #expect(shown.json["decided_by"] as? String == "default" && self.waits(shown) == [0, 7, 8])
        }
    }

    @Test func `Stored data of an older format takes no schedule of waits`() async throws {
        try await withRedis { redis in
            try await withAPI(redis: redis) { _ in }
            try await redis.command("SET", "herald:{control}:format", "3")
            try await withAPI(redis: redis) { api async throws in
                let client = api.client()
                let policy = #"{"_retry_policy": {"schedule": [5]}}"#
                for reply in [
                    try await client.put(self.queue, policy),
                    try await client.post(
                        self.queue + "/subscriptions", #"{"subscriber": "http://a", "options": \#(policy)}"#),
                ] {
                    #expect(
                        reply.status == 400
                            && reply.text.contains("takes format 4 of the stored data, which has format 3"))
                }
                let subscription = try await self.subscribe(client)
                #expect(try await client.patch(subscription, #"{"options": \#(policy)}"#).status == 400)
                #expect(try await client.put(self.queue, #"{"_retry_policy": {"maximum_delay": 60}}"#).status == 204)
            }
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
