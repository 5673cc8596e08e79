import API
import Domain
import TestKit
import Testing

/// Request bodies: limits before parsing, framing of every kind, and what counts as none.
struct BodyTests {
    private let post = #"{"messages":[{"body":1}]}"#

    @Test func `Metadata has a limit in bytes that counts every blank (Q-23, Q-24, Q-32)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            func body(_ bytes: Int) -> String { #"{"k":""# + String(repeating: "x", count: bytes - 8) + #""}"# }
            #expect(try await client.put("/v2/queues/q", body(65536)).status == 201)
            #expect(try await (client.get("/v2/queues/q").json["k"] as? String)?.utf8.count == 65528)
            for name in ["q", "fresh"] {
                #expect(try await client.put("/v2/queues/\(name)", body(65537)).status == 400)
                #expect(try await client.put("/v2/queues/\(name)", body(65536) + " ").status == 400)
                #expect(try await client.put("/v2/queues/\(name)", "[]").status == 400)
            }
        }
        var limits = Limits()
        limits.queueMetadataBytesMax = 64
        try await withAPI(limits: limits) { api async throws in
            let client = api.client()
            #expect(try await client.put("/v2/queues/q").status == 201)
            #expect(try await client.put("/v2/queues/q", #"{"a":1}"#).status == 204)
            #expect(try await client.put("/v2/queues/q", #"{"a":1}"# + String(repeating: " ", count: 58)).status == 400)
        }
    }

    @Test func `The client of a far too large body gets its answer (Q-23, M-12)`() async throws {
        try await withAPI { api async throws in
            for (method, path, bytes) in [
                ("PUT", "/v2/queues/q", 6_553_600), ("POST", "/v2/queues/q/messages", 262_145),
            ] {
                let client = api.client()
                // All of it is sent before anything is read.
                let reply = try await client.send(method, path, String(repeating: " ", count: bytes))
                #expect(reply.status == 400 && reply.title == "Invalid request body")
                #expect(reply["Connection"] == "close")
                #expect(try await client.get("/v2/queues/q").status == 200)
            }
        }
    }

    @Test func `The limit of a post counts blanks and may be lower for a queue (M-8, M-12, M-13)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            func padded(_ bytes: Int) -> String {
                self.post + String(repeating: " ", count: bytes - self.post.utf8.count)
            }
            #expect(try await client.post("/v2/queues/q/messages", padded(262_144)).status == 201)
            #expect(try await client.post("/v2/queues/q/messages", padded(262_145)).status == 400)
            #expect(try await client.put("/v2/queues/small", #"{"_max_messages_post_size": 1023}"#).status == 201)
            #expect(try await client.post("/v2/queues/small/messages", padded(1023)).status == 201)
            let reply = try await client.post("/v2/queues/small/messages", padded(1204))
            #expect(reply.status == 400 && reply.title == "Invalid request body")
        }
        var limits = Limits()
        limits.postBytesMax = 256
        try await withAPI(limits: limits) { api async throws in
            let client = api.client()
            #expect(try await client.post("/v2/queues/q/messages", self.post).status == 201)
            let long = String(repeating: "x", count: 256)
            for body in ["\"\(long)\"", "{\"a\":\"\(long)\"}"] {
                #expect(
                    try await client.post("/v2/queues/q/messages", "{\"messages\":[{\"body\":\(body)}]}").status == 400)
            }
            // Q-27
            #expect(try await client.put("/v2/queues/a", #"{"_max_messages_post_size": 255}"#).status == 201)
            #expect(try await client.put("/v2/queues/b", #"{"_max_messages_post_size": 257}"#).status == 400)
            #expect(try await client.put("/v2/queues/b", #"{"_max_messages_post_size": 0}"#).status == 400)
        }
    }

    @Test func `Chunked bodies are read, within the same limits (O-28)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let chunked = [("Transfer-Encoding", "chunked")]
            func chunks(_ parts: [String]) -> String {
                parts.map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }.joined() + "0\r\n\r\n"
            }
            let half = self.post.index(self.post.startIndex, offsetBy: 9)
            let reply = try await client.send(
                "POST", "/v2/queues/q/messages", chunks([String(self.post[..<half]), String(self.post[half...])]),
                headers: chunked)
            #expect(reply.status == 201)
            let large = chunks(Array(repeating: String(repeating: " ", count: 50_000), count: 40))
            let refused = try await client.send("POST", "/v2/queues/q/messages", large, headers: chunked)
            #expect(refused.status == 400 && refused.title == "Invalid request body")
            #expect(try await client.send("PUT", "/v2/queues/empty", chunks([]), headers: chunked).status == 201)
        }
    }

    @Test func `No body is an empty object for a queue, and none at all for a post (Q-21, Q-22, M-10)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            #expect(try await client.put("/v2/queues/q").status == 201)
            #expect(try await client.put("/v2/queues/q", "").status == 204)
            for body in ["{", "[]", ".", "  ", "\u{FEFF}{}", "null", "\"x\"", "7"] {
                let reply = try await client.put("/v2/queues/q", body)
                #expect(reply.status == 400 && reply.title == "Invalid request body", "\(body)")
            }
            for body in [nil, "", "[", "[]", "{}", ".", "123", " ", "[{\"body\":1}]"] {
                let reply = try await client.post("/v2/queues/q/messages", body)
                #expect(reply.status == 400 && reply.title == "Invalid request body", "\(body ?? "-")")
            }
        }
    }

    @Test func `A body that is not read does not disturb the next request`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for (method, path) in [
                ("POST", "/v2/nope"), ("GET", "/v2/queues"), ("DELETE", "/v2/queues/q"), ("OPTIONS", "/v2/queues"),
                ("PATCH", "/v2/queues/q"), ("PUT", "/v2/queues/a@"),
            ] {
                _ = try await client.send(method, path, String(repeating: "x", count: 300_000))
                #expect(try await client.get("/v2/ping").status == 204, "\(method) \(path)")
            }
        }
    }

    @Test func `A caller that waits for leave to send its body gets it, or the answer at once`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            func head(_ length: Int) -> String {
                "POST /v2/queues/q/messages HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: \(length)\r\n"
                    + client.headers.map { "\($0.0): \($0.1)\r\n" }.joined() + "\r\n"
            }
            let leave = try await client.caller.send(raw: head(self.post.utf8.count))
            #expect(leave.status == 100)
            #expect(try await client.caller.send(raw: self.post).status == 201)
            #expect(try await client.caller.send(raw: head(300_000)).status == 400)
        }
    }
}
