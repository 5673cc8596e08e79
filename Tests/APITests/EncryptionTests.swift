import API
import Domain
import Foundation
import Operations
import Redis
import Signing
import TestKit
import Testing

/// Bodies that are encrypted at rest, and their checksums (docs/api.md, "Queues" and "Messages").
struct EncryptionTests {
    private let path = "/v2/queues/vault/messages"
    private static let secret = "a body that may lie nowhere in the clear"
    private static let keys = (0..<3).map { String(repeating: "0\($0)", count: 32) }

    private func encrypting(_ client: APIClient) async throws {
        #expect(try await client.put("/v2/queues/vault", #"{"_enable_encrypt_messages": true}"#).status == 201)
    }

    private func bodies(_ reply: HTTPReply) -> [String] {
        reply.objects("messages").compactMap { $0["body"] as? String }
    }

    /// Everything Redis would write to its disk.
    private func dump(_ redis: RedisServer) async throws -> String {
        var text = ""
        for key in try await redis.command("KEYS", "*").array ?? [] {
            let value = try await redis.command("DUMP", key.text ?? "")
            text += String(decoding: value.bytes ?? [], as: UTF8.self)
        }
        return text
    }

    @Test func `M-3, M-31: every path that reads a message shows the body as it was posted, and Redis never has it`()
        async throws
    {
        try await withAPI { api async throws in
            let client = api.client()
            try await self.encrypting(client)
            _ = try await client.post("/v2/queues/vault/subscriptions", #"{"subscriber": "http://127.0.0.1:9/"}"#)
            let bodies = ["\"\(Self.secret)\"", #"{"k": [1, 2.50, null]}"#, "239", "null", "\"é\u{2028}\""]
            let posted = try await client.postMessages(bodies, to: "vault")
            #expect(!(try await self.dump(api.redis)).contains("may lie nowhere"))
            let ids = posted.compactMap { $0.split(separator: "/").last }.joined(separator: ",")
            for (resource, body) in zip(posted, bodies) {
                #expect(try await client.get(resource).text.hasSuffix("\"body\":\(body)}"))
            }
            let claim = try await client.post("/v2/queues/vault/claims", "{}")
            let replies = [
                claim, try await client.get(try #require(claim["Location"])),
                try await client.get("\(self.path)?ids=\(ids)"),
                try await client.get("\(self.path)?echo=true&include_claimed=true"),
            ]
            for reply in replies {
                for body in bodies { #expect(reply.text.contains("\"body\":\(body)}"), "\(body)") }
            }
            #expect(try await client.delete(try #require(claim["Location"])).status == 204)
            let popped = try await client.delete("\(self.path)?pop=5")
            for body in bodies { #expect(popped.text.contains("\"body\":\(body),"), "\(body)") }
            // Pages go on behind sealed messages, too.
            _ = try await client.postMessages((0..<10).map(String.init), to: "vault")
            var (next, pages): (String?, Int) = ("\(self.path)?limit=3&echo=true", 0)
            while let page = next {
                let reply = try await client.get(page)
                next = reply.next
                pages += next == nil ? 0 : 1
            }
            #expect(pages == 4)
        }
    }

    @Test func `The flag decides for what is posted from then on, and older messages stay readable`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let type = [("Content-Type", "application/openstack-messaging-v2.0-json-patch")]
            _ = try await client.postMessages(["\"one\""], to: "vault")
            for (value, body) in [("true", "two"), ("false", "three")] {
                let patch = #"[{"op": "replace", "path": "/metadata/_enable_encrypt_messages", "value": \#(value)}]"#
                #expect(try await client.send("PATCH", "/v2/queues/vault", patch, headers: type).status == 200)
                _ = try await client.postMessages(["\"\(body)\""], to: "vault")
            }
            #expect(try await self.bodies(client.get("\(self.path)?echo=true")) == ["one", "two", "three"])
        }
    }

    @Test func `A process that has not heard of the flag's change keeps nothing in the clear`() async throws {
        try await withAPI { here async throws in
            let client = here.client()
            let type = [("Content-Type", "application/openstack-messaging-v2.0-json-patch")]
            _ = try await client.postMessages(["\"open\""], to: "vault")
            try await withAPI(redis: here.redis) { there async throws in
                let other = there.client(project: client.project)
                for (value, isSealed) in [(true, true), (false, false)] {
                    let patch =
                        #"[{"op": "replace", "path": "/metadata/_enable_encrypt_messages", "value": \#(value)}]"#
                    #expect(try await other.send("PATCH", "/v2/queues/vault", patch, headers: type).status == 200)
                    _ = try await client.postMessages(["\"\(Self.secret) \(value)\""], to: "vault")
                    let kept = try await self.dump(here.redis)
                    #expect(kept.contains("may lie nowhere") != isSealed)
                    _ = try await other.postMessages(["1"], to: "vault")
                }
            }
            #expect(try await client.get("\(self.path)?echo=true").objects("messages").count == 5)
        }
    }

    @Test func `M-8: limits are those of the plain text`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put(
                "/v2/queues/vault", #"{"_enable_encrypt_messages": true, "_max_messages_post_size": 1023}"#)
            func body(_ bytes: Int) -> String {
                let frame = #"{"messages":[{"body":""}]}"#.utf8.count
                return #"{"messages":[{"body":"\#(String(repeating: "x", count: bytes - frame))"}]}"#
            }
            #expect(try await client.post(self.path, body(1023)).status == 201)
            #expect(try await client.post(self.path, body(1024)).status == 400)
            #expect(try await client.post(self.path, body(1204)).status == 400)
        }
    }

    @Test func `Keys rotate: old bodies open, new ones are sealed with the newest`() async throws {
        try await withRedis { redis in
            let project = UUID().uuidString
            for (index, keys) in [[], [Self.keys[0]], [Self.keys[1], Self.keys[0]]].enumerated() {
                try await withAPI(vaultKeys: keys, redis: redis) { api async throws in
                    let client = api.client(project: project)
                    if index == 0 { try await self.encrypting(client) }
                    _ = try await client.postMessages(["\"\(index)\""], to: "vault")
                    let expected = (0...index).map(String.init)
                    #expect(try await self.bodies(client.get("\(self.path)?echo=true")) == expected)
                }
            }
        }
    }

    @Test func `A body that does not open is an error that names the message, and nothing is lost`() async throws {
        try await withRedis { redis in
            var client: APIClient?
            try await withAPI(vaultKeys: [Self.keys[0]], redis: redis) { api async throws in
                client = api.client()
                try await self.encrypting(api.client(project: client?.project))
                _ = try await api.client(project: client?.project).postMessages(["\"\(Self.secret)\""], to: "vault")
            }
            let project = try #require(client?.project)
            try await withAPI(vaultKeys: [Self.keys[1]], redis: redis) { api async throws in
                let client = api.client(project: project)
                let stats = try await client.get("/v2/queues/vault/stats").json["messages"] as? [String: Any]
                let oldest = try #require((stats?["oldest"] as? [String: Any])?["href"] as? String)
                let id = try #require(oldest.split(separator: "/").last)
                for (method, path) in [
                    ("GET", oldest), ("GET", self.path + "?echo=true"), ("GET", self.path + "?ids=\(id)"),
                    ("POST", "/v2/queues/vault/claims"), ("DELETE", self.path + "?pop=1"),
                ] {
                    let reply = try await client.send(method, path)
                    #expect(reply.status == 503 && reply.words.contains("cannot be decrypted"), "\(method) \(path)")
                    #expect(method == "DELETE" || reply.words.contains(id), "\(method) \(path)")
                }
                // It opens where the key is, also after a pop took it out and put it back.
                try await withAPI(vaultKeys: [Self.keys[0]], redis: redis) { other async throws in
                    let client = other.client(project: project)
                    #expect(try await self.bodies(client.get(self.path + "?echo=true")) == [Self.secret])
                    #expect(try await self.bodies(client.delete(self.path + "?pop=2")) == [Self.secret])
                }
            }
        }
    }

    @Test(arguments: [
        (#"{"job":"resize","n":3}"#, "MD5:166e5464c4360a4e437534b13e42ca85"),
        (#"{"b":1,"a":"é"}"#, "MD5:b9622a81c98224c56eb3afdd8f51b202"),
        ("[1,2.5,null,true]", "MD5:8c4c2df6d95e47f01855fd765d6e0c21"), ("7", "MD5:8f14e45fceea167a5a36dedd4bea2543"),
        (#"{"x":1e16,"y":1.0,"z":1e-5}"#, "MD5:5de42318a1f2b245adfd17cf4447ac86"), ("null", nil),
    ])
    func `ST-30, M-83: a checksum is shown wherever the message is, sealed or not`(body: String, checksum: String?)
        async throws
    {
        var options = APIOptions()
        options.checksum = BodyChecksum()
        try await withAPI(options: options) { api async throws in
            let client = api.client()
            try await self.encrypting(client)
            for queue in ["vault", "plain"] {
                let posted = try #require(try await client.postMessages([body], to: queue).first)
                #expect(try await client.get(posted).json["checksum"] as? String == checksum)
                let listed = try await client.get("/v2/queues/\(queue)/messages?echo=true")
                #expect(listed.objects("messages").first?["checksum"] as? String == checksum)
                let claim = try await client.post("/v2/queues/\(queue)/claims", "{}")
                let members = try #require(claim.objects("messages").first)
                #expect(members["checksum"] as? String == checksum)
                #expect(Set(members.keys).subtracting(["checksum"]) == ["id", "href", "ttl", "age", "body"])
                #expect(try await client.delete(try #require(claim["Location"])).status == 204)
                let popped = try await client.delete("/v2/queues/\(queue)/messages?pop=1")
                #expect(popped.objects("messages").first?["checksum"] as? String == checksum)
            }
        }
    }

    @Test func `ST-31: without checksums there is no such member`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let posted = try #require(try await client.postMessages(["1"], to: "plain").first)
            #expect(try await client.get(posted).json["checksum"] == nil)
        }
    }
}
