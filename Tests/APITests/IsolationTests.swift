import API
import TestKit
import Testing

/// An id is good in its own queue of its own project, and nowhere else: there it is as good as one that was never issued.
struct IsolationTests {
    private struct Deployment {
        let message: String
        let claim: String
        let subscription: String
        let messageOfClaim: String
    }

    /// Every route that takes an id.
    ///
    /// `{}` stands for the queue, and `M`, `C`, `S` for the ids.
    private static let routes: [(method: String, path: String, body: String?)] = [
        ("GET", "/v2/queues/{}/messages/M", nil), ("DELETE", "/v2/queues/{}/messages/M", nil),
        ("DELETE", "/v2/queues/{}/messages/M?claim_id=C", nil), ("GET", "/v2/queues/{}/messages?ids=M", nil),
        ("DELETE", "/v2/queues/{}/messages?ids=M", nil), ("GET", "/v2/queues/{}/messages?echo=true&marker=M", nil),
        ("GET", "/v2/queues/{}/messages/M/deliveries", nil),
        ("GET", "/v2/queues/{}/claims/C", nil), ("PATCH", "/v2/queues/{}/claims/C", "{}"),
        ("DELETE", "/v2/queues/{}/claims/C", nil), ("GET", "/v2/queues/{}/subscriptions/S", nil),
        ("PATCH", "/v2/queues/{}/subscriptions/S", #"{"ttl": 60}"#), ("DELETE", "/v2/queues/{}/subscriptions/S", nil),
        ("PUT", "/v2/queues/{}/subscriptions/S/confirm", #"{"confirmed": true}"#),
        ("GET", "/v2/queues/{}/subscriptions/S/secret", nil),
        ("POST", "/v2/queues/{}/subscriptions/S/secret/rotate", "{}"),
        ("GET", "/v2/queues/{}/subscriptions/S/schedule", nil),
        ("GET", "/v2/queues/{}/subscriptions/S/attempts", nil), ("GET", "/v2/queues/{}/subscriptions/S/health", nil),
        ("POST", "/v2/queues/{}/subscriptions/S/pause", nil), ("POST", "/v2/queues/{}/subscriptions/S/resume", nil),
        ("POST", "/v2/queues/{}/subscriptions/S/test", nil),
        ("POST", "/v2/queues/{}/subscriptions/S/filter/test", #"{"body": 1, "filter": {"a": [1]}}"#),
    ]

    private func furnish(_ client: APIClient) async throws -> Deployment {
        let posted = try await client.postMessages(["1", "2"], to: "own")
        let claim = try await client.post("/v2/queues/own/claims?limit=1", "{}")
        let subscribed = try await client.post("/v2/queues/own/subscriptions", #"{"subscriber": "http://a"}"#)
        func last(_ path: String?) throws -> String { try #require(path?.split(separator: "/").last.map(String.init)) }
        return Deployment(
            message: try last(posted[1]), claim: try last(claim["Location"]),
            subscription: try #require(subscribed.json["subscription_id"] as? String),
            messageOfClaim: try last(posted[0]))
    }

    @Test(arguments: ["another project", "another queue", "a project without queues"])
    func `Q-5, M-4, M-84, S-51: an id elsewhere is answered like an unknown one, and nothing happens`(
        place: String
    ) async throws {
        try await withAPI { api async throws in
            let owner = api.client()
            let deployment = try await self.furnish(owner)
            let stranger = place == "another queue" ? owner : api.client()
            let queue = place == "another queue" ? "other" : "own"
            if place != "a project without queues" { _ = try await self.furnish(stranger) }
            _ = try await stranger.put("/v2/queues/other")
            // As well formed as ours, and never issued: the last character of an id is as good as any other.
            func unknown(_ id: String) -> String { String(id.dropLast()) + (id.hasSuffix("0") ? "8" : "0") }
            let before = try await self.look(owner, deployment)
            for route in Self.routes {
                func path(_ message: String, _ claim: String, _ subscription: String) -> String {
                    route.path.replacing("{}", with: queue).replacing("/M", with: "/\(message)")
                        .replacing("=M", with: "=\(message)").replacing("/C", with: "/\(claim)")
                        .replacing("=C", with: "=\(claim)").replacing("/S", with: "/\(subscription)")
                }
                let real = path(deployment.message, deployment.claim, deployment.subscription)
                let made = path(
                    unknown(deployment.message), unknown(deployment.claim), unknown(deployment.subscription))
                let one = try await stranger.send(route.method, real, route.body)
                let other = try await stranger.send(route.method, made, route.body)
                #expect(one.status == other.status && one.text == other.text, "\(route.method) \(real)")
                #expect(one["Location"] == nil && other["Location"] == nil, "\(route.method) \(real)")
            }
            #expect(try await self.look(owner, deployment) == before)
        }
    }

    /// What the owner sees, ages left out.
    private func look(_ client: APIClient, _ deployment: Deployment) async throws -> [String] {
        var seen: [String] = []
        for path in [
            "messages/\(deployment.message)", "messages/\(deployment.messageOfClaim)", "claims/\(deployment.claim)",
            "subscriptions/\(deployment.subscription)", "subscriptions/\(deployment.subscription)/health",
            "messages?echo=true&include_claimed=true", "stats", "subscriptions",
        ] {
            let reply = try await client.get("/v2/queues/own/\(path)")
            seen.append("\(reply.status) " + reply.text.replacing(/"age":\d+/, with: ""))
        }
        return seen
    }
}
