import API
import Domain
import HTTPServer
import Signing
import Store
import TestKit
import Testing

/// `/v2/signing_keys`, and the option that asks for signatures by them.
struct SigningKeyTests {
    private let path = "/v2/signing_keys"
    private let subscriptions = "/v2/queues/orders/subscriptions"

    private func key(_ version: Int, of project: String) throws -> WebhookPublicKey {
        try MasterKey(RunningAPI.masterKey).signingKey(project: ProjectID(project), version: version).publicKey
    }

    @Test func `The key of a project is shown as Standard Webhooks and as JSON Web Keys have it`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let reply = try await client.get(self.path)
            #expect(reply.status == 200 && reply["Cache-Control"] == "no-store")
            let keys = reply.objects("keys")
            let expected = try self.key(1, of: client.project)
            #expect(keys.count == 1 && keys[0]["version"] as? Int == 1)
            #expect(keys[0]["public_key"] as? String == expected.text)
            #expect(keys[0].keys.contains("until") && keys[0]["until"] is String == false)
            #expect(
                keys[0]["jwk"] as? [String: String]
                    == ["kty": "OKP", "crv": "Ed25519", "x": expected.x, "kid": expected.thumbprint])
        }
    }

    @Test func `A rotated key is shown behind the new one, until the overlap ends`() async throws {
        try await withAPI(time: .standingNow()) { api async throws in
            let client = api.client()
            let rotated = try await client.post(self.path + "/rotate", "")
            #expect(rotated.status == 200 && rotated["Cache-Control"] == "no-store")
            #expect(rotated.objects("keys").compactMap { $0["version"] as? Int } == [2, 1])
            #expect(
                rotated.objects("keys").compactMap { $0["public_key"] as? String }
                    == [try self.key(2, of: client.project).text, try self.key(1, of: client.project).text])
            #expect((rotated.objects("keys")[1]["until"] as? String)?.hasSuffix("Z") == true)
            #expect(try await client.get(self.path).text == rotated.text)
            // At once: the one before ends, and so does the one before that.
            let leaked = try await client.post(self.path + "/rotate", #"{"overlap": 0}"#)
            #expect(leaked.objects("keys").compactMap { $0["version"] as? Int } == [3])
            #expect(try await client.get(self.path).text == leaked.text)
        }
    }

    @Test func `What one project rotates is nothing to another`() async throws {
        try await withAPI { api async throws in
            let (owner, stranger) = (api.client(), api.client())
            let before = try await stranger.get(self.path)
            #expect(try await owner.post(self.path + "/rotate", "{}").status == 200)
            #expect(try await stranger.get(self.path).text == before.text)
            #expect(before.text != (try await owner.get(self.path).text))
            #expect(try await stranger.post(self.path + "/rotate", "{}").objects("keys").first?["version"] as? Int == 2)
        }
    }

    @Test(arguments: [
        "[]", #"{"overlap": -1}"#, #"{"overlap": 2592001}"#, #"{"overlap": 1.5}"#, #"{"overlap": "1"}"#, #"{"ttl": 1}"#,
        "{",
    ])
    func `A body that is no rotation is refused, and nothing rotates`(body: String) async throws {
        try await withAPI { api async throws in
            let client = api.client()
            #expect(try await client.post(self.path + "/rotate", body).status == 400)
            #expect(try await client.get(self.path).objects("keys").first?["version"] as? Int == 1)
        }
    }

    @Test func `A subscription asks for the signatures it wants, and is refused those it cannot have`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            func create(_ subscriber: String, _ value: String) async throws -> HTTPReply {
                try await client.post(
                    self.subscriptions,
                    #"{"subscriber": "\#(subscriber)", "options": {"_signature": \#(value)}}"#)
            }
            for (number, value) in [#""v1""#, #""v1a""#, #""v1 v1a""#, "null"].enumerated() {
                #expect(try await create("http://a.example/\(number)", value).status == 201, "\(value)")
            }
            for value in [#""v1a v1""#, #""v2""#, "1"] {
                let refused = try await create("http://b.example", value)
                #expect(refused.status == 400 && refused.words.contains("_signature has to be one of"), "\(refused)")
            }
            let reply = try await create("http://c.example", #""v1""#)
            let id = try #require(reply.json["subscription_id"] as? String)
            #expect(
                try await client.patch("\(self.subscriptions)/\(id)", #"{"options": {"_signature": "v1a"}}"#).status
                    == 204)
            let shown = try await client.get("\(self.subscriptions)/\(id)").json["options"] as? [String: String]
            #expect(shown == ["_signature": "v1a"])
            #expect(
                try await client.patch("\(self.subscriptions)/\(id)", #"{"options": {"_signature": 1}}"#).status == 400)
        }
    }

    @Test func `In a store of an older format no subscription asks for them, which older notifiers would not see`()
        async throws
    {
        try await withRedis { redis in
            try await withRedisClient(to: redis.endpoint) { pool in
                _ = try await Store.open(
                    on: pool, shards: 16, newFormat: StoreFormat.ofSignatures - 1, logger: quietLogger())
            }
            try await withAPI(redis: redis) { api async throws in
                let client = api.client()
                func create(_ value: String) async throws -> HTTPReply {
                    try await client.post(
                        self.subscriptions,
                        #"{"subscriber": "http://a.example", "options": {"_signature": "\#(value)"}}"#)
                }
                for value in ["v1a", "v1 v1a"] {
                    let refused = try await create(value)
                    #expect(refused.status == 400 && refused.words.contains("herald format raise"), "\(refused)")
                }
                let id = try #require(try await create("v1").json["subscription_id"] as? String)
                let refused = try await client.patch(
                    "\(self.subscriptions)/\(id)", #"{"options": {"_signature": "v1a"}}"#)
                #expect(refused.status == 400 && refused.words.contains("herald format raise"), "\(refused)")
                // The keys are there all the same, for receivers that prepare.
                #expect(try await client.get(self.path).status == 200)
            }
        }
    }
}
