import Domain
import TestKit
import Testing

/// Posts with the header `Idempotency-Key`.
struct IdempotencyTests {
    private let messages = "/v2/queues/orders/messages"

    private func post(_ client: APIClient, _ body: String, _ keys: String..., to path: String? = nil) async throws
        -> HTTPReply
    {
        try await client.send("POST", path ?? self.messages, body, headers: keys.map { ("Idempotency-Key", $0) })
    }

    private static let body = #"{"messages": [{"body": 1}, {"body": 2}]}"#

    @Test func `A repeat is answered alike and stores nothing, another request with its key is a 422`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let first = try await self.post(client, Self.body, "k-1")
            #expect(first.status == 201 && first["Idempotent-Replayed"] == nil)
            let again = try await self.post(client, Self.body, "k-1")
            #expect(again.status == 201 && again["Idempotent-Replayed"] == "true")
            #expect(again.text == first.text && again["Location"] == first["Location"])
            #expect(again["Herald-Durability"] == first["Herald-Durability"])
            let other = try await self.post(client, #"{"messages": [{"body": 1}]}"#, "k-1")
            #expect(other.status == 422 && other.text.contains("Idempotency-Key"))
            // Another key, another queue and another project know nothing of it.
            #expect(try await self.post(client, Self.body, "k-2")["Idempotent-Replayed"] == nil)
            #expect(
                try await self.post(client, Self.body, "k-1", to: "/v2/queues/other/messages")["Idempotent-Replayed"]
                    == nil)
            #expect(try await self.post(api.client(), Self.body, "k-1")["Idempotent-Replayed"] == nil)
            #expect(try await client.get(self.messages + "?echo=true&limit=20").objects("messages").count == 4)
            // The window of a day.
            api.time.pass(seconds: 86_399)
            #expect(try await self.post(client, Self.body, "k-1").text == first.text)
            api.time.pass(seconds: 1)
            #expect(try await self.post(client, Self.body, "k-1")["Idempotent-Replayed"] == nil)
        }
    }

    @Test func `Sixty-four requests at once with one key are one post`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let replies = try await withThrowingTaskGroup(of: HTTPReply.self) { group in
                for _ in 0..<64 { group.addTask { try await self.post(client, Self.body, "k") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(replies.allSatisfy { $0.status == 201 } && Set(replies.map(\.text)).count == 1)
            #expect(replies.count { $0["Idempotent-Replayed"] == nil } == 1)
            #expect(try await client.get(self.messages + "?echo=true").objects("messages").count == 2)
        }
    }

    @Test func `A key that is none is a 400`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for keys in [[""], ["a b"], [String(repeating: "k", count: 256)], ["a", "b"], ["schlüssel"]] {
                let reply = try await client.send(
                    "POST", self.messages, Self.body, headers: keys.map { ("Idempotency-Key", $0) })
                #expect(reply.status == 400 && reply.text.contains("Idempotency-Key"), "\(keys)")
            }
            #expect(try await self.post(client, Self.body, String(repeating: "k", count: 255)).status == 201)
        }
    }

    @Test func `What is encrypted by now, or the limit of the project, does not make a repeat another post`()
        async throws
    {
        var limits = ProjectLimits()
        limits.bytes = 600
        try await withAPI(projectLimits: limits) { api async throws in
            let client = api.client()
            let first = try await self.post(client, Self.body, "k-1")
            #expect(first.status == 201)
            let patch = #"[{"op": "add", "path": "/metadata/_enable_encrypt_messages", "value": true}]"#
            let patched = try await client.send(
                "PATCH", "/v2/queues/orders", patch,
                headers: [("Content-Type", "application/openstack-messaging-v2.0-json-patch")])
            #expect(patched.status == 200)
            #expect(try await self.post(client, Self.body, "k-1").text == first.text)
            // Filled by others; the key counts too.
            var filling = 0
            while try await self.post(client, #"{"messages": [{"body": 1}]}"#).status == 201 { filling += 1 }
            #expect((1...30).contains(filling))
            let refused = try await self.post(client, #"{"messages": [{"body": 3}]}"#, "k-3")
            #expect(refused.status == 403 && refused.text.contains("'bytes'"))
            let again = try await self.post(client, Self.body, "k-1")
            #expect(again.status == 201 && again.text == first.text && again["Idempotent-Replayed"] == "true")
            #expect(try await self.post(client, #"{"messages": [{"body": 3}]}"#, "k-1").status == 422)
        }
    }

    @Test func `The window is what the deployment sets`() async throws {
        var limits = Limits()
        limits.postKeyWindow = 60
        try await withAPI(limits: limits) { api async throws in
            let client = api.client()
            let first = try await self.post(client, Self.body, "k")
            api.time.pass(seconds: 60)
            #expect(try await self.post(client, Self.body, "k").text != first.text)
        }
    }

    @Test func `Stored data of an older format takes no key`() async throws {
        try await withRedis { redis in
            try await withAPI(redis: redis) { _ in }
            try await redis.command("SET", "herald:{control}:format", "3")
            try await withAPI(redis: redis) { api async throws in
                let client = api.client()
                let refused = try await self.post(client, Self.body, "k")
                #expect(refused.status == 400 && refused.text.contains("takes format 4"))
                #expect(try await self.post(client, Self.body).status == 201)
            }
        }
    }
}
