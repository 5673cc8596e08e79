import API
import Foundation
import TestKit
import Testing

struct QueueUpdateTests {
    private let path = "/v2/queues/orders"
    private static let type = "application/openstack-messaging-v2.0-json-patch"
    private static let defaults: Set<String> = [
        "_max_messages_post_size", "_default_message_ttl", "_default_message_delay", "_dead_letter_queue",
        "_dead_letter_queue_messages_ttl", "_max_claim_count", "_enable_encrypt_messages",
    ]

    private func patch(
        _ client: APIClient, _ body: String?, type: String? = Self.type, path: String? = nil
    ) async throws -> HTTPReply {
        try await client.send(
            "PATCH", path ?? self.path, body, headers: type.map { [("Content-Type", $0)] } ?? [])
    }

    private func op(_ op: String, _ name: String, _ value: String = "1") -> String {
        #"[{"op": "\#(op)", "path": "/metadata/\#(name)", "value": \#(value)}]"#
    }

    @Test func `Q-50, Q-52, Q-54, Q-60: members are added, replaced and removed`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put(self.path)
            let added = try await self.patch(
                client,
                #"[{"op": "add", "path": "/metadata/a", "value": 1}, {"op": "add", "path": "/Metadata/b", "value": {}}]"#
            )
            #expect(added.status == 200 && added.json["a"] as? Int == 1 && added.json["b"] as? NSDictionary == [:])
            #expect(Set(added.json.keys) == Self.defaults.union(["a", "b"]))
            for value in ["\"\"", "{}", "null", "1.5", "[1, null]", "\"x\""] {
                let replaced = try await self.patch(client, self.op("replace", "a", value))
                #expect(replaced.status == 200 && replaced.text.contains("\"a\":\(value)"), "\(value)")
                #expect(try await client.get(self.path).text == replaced.text)
            }
            let removed = try await self.patch(client, self.op("remove", "a"))
            #expect(removed.status == 200 && removed.json["a"] == nil && removed.json["b"] != nil)
        }
    }

    @Test func `Q-51, Q-53, Q-54, Q-61, Q-64: reserved attributes show their defaults and are checked`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put(self.path, #"{"k": 1}"#)
            for name in Self.defaults {
                #expect(try await self.patch(client, self.op("remove", name)).status == 200, "\(name)")
            }
            let set = try await self.patch(client, self.op("replace", "_default_message_ttl", "300"))
            #expect(set.status == 200 && set.json["_default_message_ttl"] as? Int == 300)
            #expect(Set(try await client.get(self.path).json.keys) == Self.defaults.union(["k"]))
            let location = try #require(
                try await client.post(self.path + "/messages", #"{"messages": [{"body": 1}]}"#)["Location"])
            #expect(try await client.get(location).objects("messages").first?["ttl"] as? Int == 300)
            let unset = try await self.patch(client, self.op("remove", "_default_message_ttl"))
            #expect(unset.json["_default_message_ttl"] as? Int == 3600)
            let two = try await self.patch(
                client,
                #"[{"op": "add", "path": "/metadata/_max_claim_count", "value": 2}, "#
                    + #"{"op": "add", "path": "/metadata/_dead_letter_queue_messages_ttl", "value": 7799}]"#)
            #expect(two.json["_max_claim_count"] as? Int == 2)
            #expect(two.json["_dead_letter_queue_messages_ttl"] as? Int == 7799)
            for (name, value) in [
                ("_default_message_ttl", "59"), ("_dead_letter_queue", "\"orders\""), ("_max_claim_count", "\"1\""),
            ] {
                let refused = try await self.patch(client, self.op("add", name, value))
                #expect(refused.status == 400 && refused.title == "Invalid request body", "\(name)")
            }
        }
    }

    @Test func `Q-55, Q-56: what is not there cannot be replaced or removed`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for kind in ["add", "replace", "remove"] {
                let reply = try await self.patch(client, self.op(kind, "a"))
                #expect(reply.status == 404 && reply.title == "Not found", "\(kind)")
            }
            #expect(try await client.get("/v2/queues?with_count=true").json["count"] as? Int == 0)
            _ = try await client.put(self.path)
            for (kind, name) in [
                ("replace", "a"), ("remove", "a"), ("remove", "_flavor"), ("replace", "_retry_policy"),
            ] {
                let reply = try await self.patch(client, self.op(kind, name, "{}"))
                #expect(reply.status == 409 && reply.title == "Resource conflict", "\(kind) \(name)")
            }
        }
    }

    @Test(arguments: [
        nil, "", "{}", "[1]", "[{}]", ".", "[", "  ", #"[{"op": "add", "path": "/a", "value": 1}]"#,
        #"[{"op": "a", "path": "/metadata/a", "value": 1}]"#, #"[{"op": "Add", "path": "/metadata/a", "value": 1}]"#,
        #"[{"op": "add", "path": "/metadata/a"}]"#, #"[{"op": "remove", "path": "/foo/a"}]"#,
        #"[{"op": "add", "path": "/metadata/a/b", "value": 1}]"#, #"[{"op": "add", "path": "/metadata/", "value": 1}]"#,
        #"[{"op": "add", "path": "/metadata/a~2", "value": 1}]"#, #"[{"op": "add", "path": "metadata/a", "value": 1}]"#,
        #"[{"op": "add", "path": 1, "value": 1}]"#,
    ])
    func `Q-57, Q-62, O-36: what is no patch is refused before the queue is looked for`(body: String?) async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let missing = try await self.patch(client, body)
            #expect(missing.status == 400 && missing.title == "Invalid request body")
            _ = try await client.put(self.path)
            #expect(try await self.patch(client, body).status == 400)
        }
    }

    @Test func `Q-57, Q-62: an empty patch shows the metadata, and pointers have escapes`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put(self.path, #"{"k": 1}"#)
            let same = try await self.patch(client, "[]")
            #expect(same.status == 200 && same.json["k"] as? Int == 1)
            let escaped = try await self.patch(client, self.op("add", "a~0b~1c"))
            #expect(escaped.json["a~b/c"] as? Int == 1)
        }
    }

    @Test func `Q-58, Q-59: clients replace all metadata by what they were shown`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put(self.path, #"{"a": 1, "_default_message_ttl": 900}"#)
            for target in [["b": "2", "a": "3"], [:]] {
                let shown = try await client.get(self.path).json
                var ops = target.sorted { $0.key < $1.key }.map { name, value in
                    let kind = shown[name] == nil || shown[name] is NSNull ? "add" : "replace"
                    return #"{"op": "\#(kind)", "path": "/metadata/\#(name)", "value": \#(value)}"#
                }
                ops += shown.keys.sorted().filter { target[$0] == nil }.map { name in
                    #"{"op": "remove", "path": "/metadata/\#(name)"}"#
                }
                let reply = try await self.patch(client, "[\(ops.joined(separator: ","))]")
                #expect(reply.status == 200)
                #expect(Set(reply.json.keys) == Self.defaults.union(target.keys))
            }
        }
    }

    @Test func `Q-63: one operation that fails undoes all`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put(self.path, #"{"a": 1}"#)
            let before = try await client.get(self.path).text
            let body =
                #"[{"op": "replace", "path": "/metadata/a", "value": 2}, {"op": "remove", "path": "/metadata/nope"}]"#
            #expect(try await self.patch(client, body).status == 409)
            #expect(try await client.get(self.path).text == before)
        }
    }

    @Test func `The media type is compared without parameters and case, any other is 415 (O-38)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put(self.path)
            for type in [Self.type.uppercased(), Self.type + "; charset=UTF-8"] {
                #expect(try await self.patch(client, "[]", type: type).status == 200)
            }
            for type in [nil, "application/json", "application/json-patch+json"] {
                let reply = try await self.patch(client, "[]", type: type)
                #expect(reply.status == 415 && reply.title == "415 Unsupported Media Type")
                #expect(reply["Accept-Patch"] == Self.type)
            }
        }
    }

    @Test func `Patches at the same time lose nothing`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put(self.path)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<16 {
                    let other = api.client(project: client.project)
                    group.addTask {
                        let reply = try await self.patch(other, self.op("add", "k\(number)"))
                        #expect(reply.status == 200)
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await client.get(self.path).json.count == 7 + 16)
        }
    }
}
