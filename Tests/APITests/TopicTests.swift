import API
import Foundation
import Store
import TestKit
import Testing

/// Topics: named metadata and nothing more.
struct TopicTests {
    private let topic = "/v2/topics/news"
    private static let patchType = [("Content-Type", "application/openstack-messaging-v2.0-json-patch")]
    private static var defaults: NSDictionary {
        ["_max_messages_post_size": 262_144, "_default_message_ttl": 3600, "_default_message_delay": 0]
    }

    @Test func `TP-1: a topic is not made or deleted without a project`() async throws {
        try await withAPI { api async throws in
            let caller = HTTPCaller(api.address)
            let client = ("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c")
            for method in ["PUT", "DELETE"] {
                let missing = try await caller.send(method, self.topic, headers: [client])
                #expect(missing.status == 400 && missing.title == "Project-Id Missing")
                let empty = try await caller.send(method, self.topic, headers: [client, ("X-Project-Id", "")])
                #expect(empty.status == 400 && empty.title == "Empty project header not allowed")
            }
        }
    }

    @Test(arguments: ["{", "[]", ".", "  "])
    func `TP-2: a body that is no object is refused`(body: String) async throws {
        try await withAPI { api async throws in
            let client = api.client()
            #expect(try await client.put(self.topic, body).status == 400)
            #expect(try await client.get("/v2/topics").objects("topics").isEmpty)
        }
    }

    @Test func `TP-3: bad names are refused as names of topics`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for name in ["n%C3%A9ws", "a%20b", String(repeating: "x", count: 65), "", "a%2Fb"] {
                for method in ["PUT", "DELETE"] {
                    let reply = try await client.send(method, "/v2/topics/\(name)")
                    #expect(reply.status == 400 && reply.title == "Invalid topic identification", "\(method) \(name)")
                }
            }
            #expect(try await client.put("/v2/topics/\(String(repeating: "x", count: 64))").status == 201)
        }
    }

    @Test func `TP-4: a failing store is 503 on every route`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            await api.redis.kill()
            for (method, path) in [
                ("PUT", self.topic), ("GET", self.topic), ("GET", self.topic + "/stats"), ("GET", "/v2/topics"),
                ("DELETE", self.topic),
            ] {
                let reply = try await client.send(method, path)
                #expect(reply.status == 503 && reply["Location"] == nil, "\(method) \(path)")
                #expect(reply.title == "Service temporarily unavailable", "\(method) \(path)")
            }
        }
    }

    @Test func `TP-5: topics are made, shown, listed and deleted as queues are`() async throws {
        try await withAPI { api async throws in
            let (client, stranger) = (api.client(), api.client())
            #expect(try await client.get("/v2/topics").json as NSDictionary == ["topics": [], "links": []])
            #expect(try await client.get(self.topic).json as NSDictionary == Self.defaults)
            let made = try await client.put(self.topic, #"{"colour": "red", "_default_message_ttl": 120}"#)
            #expect(made.status == 201 && made["Location"] == self.topic && made.body.isEmpty)
            #expect(try await client.put(self.topic, #"{"colour": "blue"}"#).status == 204)
            let shown = try await client.get(self.topic).json
            #expect(shown["colour"] as? String == "red" && shown["_default_message_ttl"] as? Int == 120)
            #expect(Set(shown.keys) == Set((Self.defaults.allKeys as? [String] ?? []) + ["colour"]))
            for body in [
                #"{"_default_message_ttl": 59}"#, #"{"_max_messages_post_size": 0}"#, #"{"_retry_policy": 1}"#,
            ] {
                #expect(try await client.put("/v2/topics/other", body).status == 400, "\(body)")
            }
            for number in 0..<5 {
                #expect(try await client.put("/v2/topics/n\(number)", #"{"n": \#(number)}"#).status == 201)
            }
            var names: [String] = []
            var next: String? = "/v2/topics?limit=2&detailed=true"
            while let page = next {
                let reply = try await client.get(page)
                #expect(reply.objects("topics").allSatisfy { $0["metadata"] != nil && $0["href"] != nil })
                names += reply.objects("topics").compactMap { $0["name"] as? String }
                next = reply.next
            }
            #expect(names == ["n0", "n1", "n2", "n3", "n4", "news"])
            #expect(try await client.get("/v2/topics?n=3").objects("topics").count == 1)
            #expect(try await client.get("/v2/topics?name=ew").objects("topics").count == 1)
            #expect(try await client.get("/v2/topics?with_count=true").json["count"] == nil)
            #expect(try await client.get("/v2/topics?limit=0").status == 400)
            #expect(try await client.get("/v2/topics?limit=21").status == 400)
            #expect(try await stranger.get("/v2/topics").objects("topics").isEmpty)
            #expect(try await client.delete(self.topic).status == 204)
            #expect(try await client.delete(self.topic).status == 204)
            #expect(try await client.get(self.topic).json as NSDictionary == Self.defaults)
        }
    }

    @Test func `TP-5: metadata of topics are patched as those of queues are`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            func patch(_ body: String, type: [(String, String)] = Self.patchType) async throws -> HTTPReply {
                try await client.send("PATCH", self.topic, body, headers: type)
            }
            let add = #"[{"op": "add", "path": "/metadata/a", "value": 1}]"#
            #expect(try await patch(add).status == 404)
            #expect(try await client.put(self.topic).status == 201)
            #expect(try await patch(add, type: [("Content-Type", "application/json")]).status == 415)
            let added = try await patch(add)
            #expect(added.status == 200 && added.json["a"] as? Int == 1)
            #expect(try await patch(#"[{"op": "replace", "path": "/metadata/b", "value": 1}]"#).status == 409)
            #expect(try await patch(#"[{"op": "remove", "path": "/metadata/_default_message_ttl"}]"#).status == 200)
            // Queues show this one unasked, topics do not.
            #expect(try await patch(#"[{"op": "remove", "path": "/metadata/_dead_letter_queue"}]"#).status == 409)
            #expect(try await patch(#"[{"op": "x", "path": "/metadata/a"}]"#).status == 400)
            #expect(
                try await patch(#"[{"op": "remove", "path": "/metadata/a"}]"#).json as NSDictionary == Self.defaults)
        }
    }

    @Test func `TP-5: a topic counts and purges nothing`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let zeros: NSDictionary = ["messages": ["claimed": 0, "free": 0, "total": 0]]
            #expect(try await client.get(self.topic + "/stats").json as NSDictionary == zeros)
            #expect(try await client.post(self.topic + "/purge", "").status == 204)
            #expect(try await client.post(self.topic + "/purge", #"{"resource_types": ["messages"]}"#).status == 204)
            #expect(try await client.post(self.topic + "/purge", #"{"resource_types": ["x"]}"#).status == 400)
            for path in ["/messages", "/subscriptions", "/messages/x", "/claims"] {
                #expect(try await client.get(self.topic + path).status == 404, "\(path)")
            }
            let method = try await client.post(self.topic, "{}")
            #expect(method.status == 405 && method["Allow"] == "GET, PUT, PATCH, DELETE, OPTIONS")
        }
    }

    @Test func `TP-6: a topic and a queue of one name do not know of each other`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let queue = "/v2/queues/news"
            #expect(try await client.put(queue, #"{"is": "queue"}"#).status == 201)
            #expect(try await client.get("/v2/topics").objects("topics").isEmpty)
            #expect(try await client.put(self.topic, #"{"is": "topic"}"#).status == 201)
            let change = #"[{"op": "replace", "path": "/metadata/is", "value": "changed"}]"#
            #expect(try await client.send("PATCH", self.topic, change, headers: Self.patchType).status == 200)
            #expect(try await client.get(queue).json["is"] as? String == "queue")
            #expect(try await client.delete(self.topic).status == 204)
            #expect(try await client.get("/v2/queues").objects("queues").count == 1)
            #expect(try await client.put(self.topic, #"{"is": "topic"}"#).status == 201)
            #expect(try await client.delete(queue).status == 204)
            #expect(try await client.get(self.topic).json["is"] as? String == "topic")
        }
    }
}
