import API
import TestKit
import Testing

struct FieldTests {
    @Test func `CV-20: required fields must be there, optional ones have defaults, types are checked, others dropped`()
        async throws
    {
        try await withAPI { api async throws in
            let client = api.client()
            let rows: [(method: String, path: String, body: String?, status: Int)] = [
                ("POST", "/v2/queues/q/messages", #"{"messages": [{"ttl": 60}]}"#, 400),
                ("POST", "/v2/queues/q/messages", #"{"messages": [{"body": 1, "x": 2}], "y": 3}"#, 201),
                ("POST", "/v2/queues/q/messages", #"{"messages": [{"body": 1, "ttl": "60"}]}"#, 400),
                ("POST", "/v2/queues/q/messages", #"{"messages": {"body": 1}}"#, 400),
                ("POST", "/v2/queues/q/messages", #"{"messages": ["messages"]}"#, 400),
                ("POST", "/v2/queues/q/messages", #"[{"body": 1}]"#, 400), ("POST", "/v2/queues/q/messages", nil, 400),
                ("POST", "/v2/queues/q/claims", #"{"ttl": 60, "x": 1}"#, 201),
                ("POST", "/v2/queues/q/claims", #"{"ttl": [60]}"#, 400), ("POST", "/v2/queues/q/claims", "[]", 400),
                ("PUT", "/v2/queues/q", "[]", 400), ("POST", "/v2/queues/q/share", nil, 400),
                ("POST", "/v2/queues/q/subscriptions", #"{"subscriber": "http://a", "x": 1}"#, 201),
                ("POST", "/v2/queues/q/subscriptions", #"[{"subscriber": "http://b"}]"#, 400),
                ("POST", "/v2/queues/q/subscriptions", #"{"subscriber": 1}"#, 400),
                ("POST", "/v2/queues/q/subscriptions", #"{"ttl": 60}"#, 400),
            ]
            for row in rows {
                let reply = try await client.send(row.method, row.path, row.body)
                #expect(reply.status == row.status, "\(row.method) \(row.path) \(row.body ?? "-"): \(reply)")
            }
        }
    }

    @Test func `ST-40: a queue is made once, listed and read, made again in vain, and goes`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            func count() async throws -> Int? {
                try await client.get("/v2/queues?with_count=true").json["count"] as? Int
            }
            #expect(try await client.put("/v2/queues/q", #"{"a": 1}"#).status == 201)
            #expect(try await count() == 1)
            #expect(try await client.put("/v2/queues/q", #"{"a": 2}"#).status == 204)
            #expect(try await client.get("/v2/queues/q").json["a"] as? Int == 1)
            #expect(try await client.delete("/v2/queues/q").status == 204)
            #expect(try await count() == 0)
            #expect(try await client.get("/v2/queues/q").json["a"] == nil)
        }
    }
}
