import API
import TestKit
import Testing

/// Messages that were claimed too often.
struct DeadLetterTests {
    private func claim(_ client: APIClient) async throws -> HTTPReply {
        try await client.post("/v2/queues/work/claims", #"{"ttl": 60, "grace": 60}"#)
    }

    @Test(arguments: [false, true])
    func `ST-20, ST-21: a message is delivered as often as allowed, then moves with its body and id`(isSealed: Bool)
        async throws
    {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put(
                "/v2/queues/work",
                """
                {"_max_claim_count": 2, "_dead_letter_queue": "dead", "_dead_letter_queue_messages_ttl": 9999,
                 "_enable_encrypt_messages": \(isSealed)}
                """)
            let posted = try #require(try await client.postMessages([#"{"job": 81}"#], to: "work").first)
            for _ in 0..<2 {
                let claimed = try await self.claim(client).objects("messages")
                #expect(claimed.count == 1 && (claimed.first?["body"] as? [String: Int]) == ["job": 81])
                api.time.pass(seconds: 61)
            }
            #expect(try await self.claim(client).status == 204)
            for query in ["?echo=true", "?echo=true&include_claimed=true"] {
                let dead = try await client.get("/v2/queues/dead/messages" + query)
                #expect(dead.status == 200)
                let message = try #require(dead.objects("messages").first)
                #expect(message["ttl"] as? Int == 9999 && (message["body"] as? [String: Int]) == ["job": 81])
                #expect(message["id"] as? String == posted.split(separator: "/").last.map(String.init))
                let after = "&marker=\(message["id"] as? String ?? "")"
                #expect(try await client.get("/v2/queues/dead/messages\(query)\(after)").status == 200)
                let href = try #require(message["href"] as? String)
                #expect(try await client.get(href).status == 200)
            }
            #expect(try await client.get(posted).status == 404)
        }
    }

    @Test func `ST-22: without a count nothing moves`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put("/v2/queues/work", #"{"_max_claim_count": null, "_dead_letter_queue": "dead"}"#)
            _ = try await client.postMessages(["1"], to: "work")
            for _ in 0..<5 {
                #expect(try await self.claim(client).status == 201)
                api.time.pass(seconds: 61)
            }
        }
    }
}
