import API
import NIOConcurrencyHelpers
import NIOCore
import Redis
import TestKit
import Testing

/// Answers while Redis fails.
struct StoreFailureTests {
    private static let requests: [(String, String, String?)] = [
        ("PUT", "/v2/queues/q", nil), ("GET", "/v2/queues/q", nil), ("DELETE", "/v2/queues/q", nil),
        ("GET", "/v2/queues", nil),
        ("GET", "/v2/queues?name=x", nil), ("GET", "/v2/queues/q/messages", nil),
        ("GET", "/v2/queues/q/messages?marker=nada", nil),
        ("GET", "/v2/queues/q/messages?ids=nada,foo", nil), ("GET", "/v2/queues/q/messages/nada", nil),
        ("POST", "/v2/queues/q/messages", #"{"messages":[{"body":1}]}"#), ("GET", "/v2/queues/q/subscriptions", nil),
        ("GET", "/v2/queues/q/subscriptions?marker=foo", nil),
        ("POST", "/v2/queues/q/subscriptions", #"{"subscriber":"http://a"}"#),
        ("GET", "/v2/queues/q/subscriptions/foo", nil), ("DELETE", "/v2/queues/q/subscriptions/foo", nil),
        ("GET", "/v2/queues/q/subscriptions/foo/secret", nil),
        ("PATCH", "/v2/queues/q/subscriptions/foo", #"{"ttl":60}"#),
        ("PUT", "/v2/queues/q/subscriptions/foo/confirm", #"{"confirmed":true}"#), ("GET", "/v2/queues/q/stats", nil),
        ("POST", "/v2/queues/q/purge", nil), ("POST", "/v2/queues/q/purge", #"{"resource_types":[]}"#),
        ("DELETE", "/v2/queues/q/messages/nada", nil), ("DELETE", "/v2/queues/q/messages?ids=nada", nil),
        ("DELETE", "/v2/queues/q/messages?pop=1", nil), ("POST", "/v2/queues/q/claims", nil),
        ("GET", "/v2/queues/q/claims/foo", nil), ("PATCH", "/v2/queues/q/claims/foo", "{}"),
        ("DELETE", "/v2/queues/q/claims/foo", nil),
    ]

    @Test func `Without Redis every answer is 503 within five seconds, and invites to repeat (CV-18, CV-19, CV-25)`()
        async throws
    {
        try await withRedis(appendOnly: true) { redis in
            try await withAPI(redis: redis) { api async throws in
                await api.redis.kill()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (method, path, body) in Self.requests {
                        let client = api.client()
                        group.addTask {
                            let reply = try await client.caller.send(
                                method, path, headers: client.headers, body: body, within: .seconds(5))
                            #expect(reply.status == 503, "\(method) \(path)")
                            #expect(
                                reply.title == "Service temporarily unavailable" && reply.words.contains("try again"))
                            #expect(reply["Retry-After"] == "1" && reply["Location"] == nil)
                            #expect(!reply.text.contains("Redis"))
                        }
                    }
                    try await group.waitForAll()
                }
                let client = api.client()
                let ping = try await client.get("/v2/ping")
                #expect(ping.status == 503 && ping.body.isEmpty)
                #expect(try await client.send("HEAD", "/v2/ping").status == 204)
                // What is wrong with the request is still said first.
                #expect(try await client.post("/v2/queues/q/messages", "{}").status == 400)
                #expect(try await client.get("/v2/queues?limit=0").status == 400)
                #expect(try await client.get("/v2/").status == 200)
                #expect(try await client.get("/").status == 300)
                try await api.redis.start()
                #expect(
                    try await eventually { try await client.put("/v2/queues/q").status == 201 ? true : nil } == true)
            }
        }
    }

    @Test func `A post Redis may have carried out has another answer than one it never saw`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            #expect(try await client.put("/v2/queues/q").status == 201)
            api.redis.pause()
            async let put = api.client(project: client.project).put("/v2/queues/q")
            let post = try await client.post("/v2/queues/q/messages", #"{"messages":[{"body":1}]}"#)
            #expect(post.status == 503 && post.title == "Service temporarily unavailable")
            #expect(post.words.contains("outcome is unknown") && post["Retry-After"] == nil && post["Location"] == nil)
            // Making a queue twice is as good as once.
            let repeated = try await put
            #expect(repeated.status == 503 && repeated["Retry-After"] == "1")
            api.redis.resume()
            #expect(try await eventually { try await client.get("/v2/ping").status == 204 ? true : nil } == true)
        }
    }

    @Test func `A full store refuses posts with a title of its own, and everything that frees goes on`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.postMessages((0..<30).map(String.init), to: "q")
            let listed = try await client.get("/v2/queues/q/messages?echo=true").objects("messages")
            let id = try #require(listed.last?["id"] as? String)
            try await api.redis.command("CONFIG", "SET", "maxmemory", "1")
            for (method, path, body) in [
                ("POST", "/v2/queues/q/messages", #"{"messages":[{"body":1}]}"#), ("PUT", "/v2/queues/q2", "{}"),
                ("POST", "/v2/queues/q/subscriptions", #"{"subscriber":"http://a"}"#),
            ] {
                let reply = try await client.send(method, path, body)
                #expect(reply.status == 503 && reply.title == "The storage is full", "\(method) \(path)")
                #expect(reply["Retry-After"] == "10")
            }
            #expect(try await client.delete("/v2/queues/q/messages?pop=5").status == 200)
            let claim = try await client.post("/v2/queues/q/claims", #"{"ttl":60,"grace":60}"#)
            #expect(claim.status == 201)
            let location = try #require(claim["Location"])
            #expect(try await client.patch(location, #"{"ttl":90,"grace":60}"#).status == 204)
            #expect(try await client.delete(location).status == 204)
            #expect(try await client.delete("/v2/queues/q/messages/\(id)").status == 204)
            #expect(try await client.get("/v2/queues/q/messages?echo=true").status == 200)
            #expect(try await client.post("/v2/queues/q/purge", nil).status == 204)
            #expect(try await client.delete("/v2/queues/q").status == 204)
        }
    }

    @Test func `A replica, a Redis that loads and a store that was replaced have titles of their own`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            #expect(try await client.put("/v2/queues/q").status == 201)
            try await api.redis.command("REPLICAOF", "127.0.0.1", "1")
            let replica = try await eventually {
                let reply = try await client.put("/v2/queues/q")
                return reply.title == "The storage is read-only" ? reply : nil
            }
            #expect(replica?.status == 503 && replica?["Retry-After"] == "1")
            try await api.redis.command("REPLICAOF", "NO", "ONE")
            #expect(try await eventually { try await client.put("/v2/queues/q").status == 204 ? true : nil } == true)
            try await api.redis.command("FLUSHALL")
            let replaced = try await eventually {
                let reply = try await client.put("/v2/queues/q")
                return reply.title == "The storage was replaced" ? reply : nil
            }
            #expect(replaced?.status == 503)
        }
    }

    @Test func `While a script holds Redis up, answers say that it is busy, and callers are served once it has ended`()
        async throws
    {
        try await withAPI { api async throws in
            let client = api.client()
            #expect(try await client.put("/v2/queues/q").status == 201)
            try await api.redis.command("CONFIG", "SET", "busy-reply-threshold", "1")
            let redis = api.redis
            async let busy = redis.command("EVAL", "for i = 1, 5e8 do end", "0")
            let refused = try await eventually {
                let reply = try await client.put("/v2/queues/q")
                return reply.status == 503 ? reply : nil
            }
            #expect(refused?.title == "The service is overloaded" && refused?["Retry-After"] == "1")
            _ = try? await busy
            #expect(try await eventually { try await client.put("/v2/queues/q").status == 204 ? true : nil } == true)
        }
    }

    @Test func `A change of a queue that others change before each of its tries is 503 and changes nothing`()
        async throws
    {
        try await withRedis { redis in
            let (key, changes) = (NIOLockedValueBox<String?>(nil), NIOLockedValueBox(0))
            // Between what the API read and what it writes, another client has always been faster.
            let overtake: @Sendable () async throws -> Void = {
                guard let key = key.withLockedValue({ $0 }) else { return }
                let number = changes.withLockedValue { number in
                    number += 1
                    return number
                }
                try await redis.command("HSET", key, "metadata", "{\"change\":\(number)}")
            }
            try await Forwarder.with(to: redis, before: overtake) { forwarder in
                try await withAPI(redis: redis, at: forwarder.endpoint) { api async throws in
                    let client = api.client()
                    #expect(try await client.put("/v2/queues/q", "{}").status == 201)
                    let keys = try await redis.command("KEYS", "herald:*:queue:*:meta").array ?? []
                    key.withLockedValue { $0 = keys.first?.text }
                    let reply = try await client.send(
                        "PATCH", "/v2/queues/q", #"[{"op":"add","path":"/metadata/mine","value":1}]"#,
                        headers: [("Content-Type", "application/openstack-messaging-v2.0-json-patch")])
                    key.withLockedValue { $0 = nil }
                    #expect(reply.status == 503 && reply["Retry-After"] != nil, "\(reply.text)")
                    #expect(reply.title == "Too many changes at the same time")
                    let metadata = try await client.get("/v2/queues/q").json
                    #expect(metadata["change"] as? Int == changes.withLockedValue { $0 } && metadata["mine"] == nil)
                    #expect(changes.withLockedValue { $0 } > 250)
                }
            }
        }
    }

    @Test func `Many clients change one queue at the same time, and all succeed`() async throws {
        try await withAPI { api async throws in
            let project = api.client().project
            #expect(try await api.client(project: project).put("/v2/queues/q").status == 201)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<32 {
                    let client = api.client(project: project)
                    group.addTask {
                        for round in 0..<5 {
                            let reply = try await client.send(
                                "PATCH", "/v2/queues/q",
                                #"[{"op":"add","path":"/metadata/c\#(number)","value":\#(round)}]"#,
                                headers: [("Content-Type", "application/openstack-messaging-v2.0-json-patch")])
                            #expect(reply.status == 200, "\(reply.text)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            let metadata = try await api.client(project: project).get("/v2/queues/q").json
            #expect((0..<32).allSatisfy { metadata["c\($0)"] as? Int == 4 })
        }
    }
}
