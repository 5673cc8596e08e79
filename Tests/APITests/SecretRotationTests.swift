import API
import Domain
import Signing
import TestKit
import Testing

struct SecretRotationTests {
    private let path = "/v2/queues/orders/subscriptions"

    private func subscribe(_ client: APIClient) async throws -> String {
        let reply = try await client.post(self.path, #"{"subscriber": "http://a.example"}"#)
        return try #require(reply.json["subscription_id"] as? String)
    }

    private func secret(_ version: Int, of id: String, _ client: APIClient) throws -> String {
        try MasterKey(RunningAPI.masterKey).webhookSecret(
            project: ProjectID(client.project), subscription: try #require(SubscriptionID(id)), version: version
        ).text
    }

    @Test func `A rotated secret is shown with the one before, until the overlap ends`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            let path = "\(self.path)/\(id)/secret"
            let before = try await client.get(path)
            #expect(before.json["previous"] is String == false && before.json.keys.contains("previous"))
            let rotated = try await client.post(path + "/rotate", "")
            #expect(rotated.status == 200 && rotated["Cache-Control"] == "no-store")
            #expect(rotated.json["secret"] as? String == (try self.secret(2, of: id, client)))
            let previous = try #require(rotated.json["previous"] as? [String: String])
            #expect(previous["secret"] == before.json["secret"] as? String)
            #expect(previous["until"]?.hasSuffix("Z") == true)
            #expect(try await client.get(path).text == rotated.text)
            // Nothing else about it changed, and a change of it leaves its secret.
            #expect(
                try await client.patch("\(self.path)/\(id)", #"{"ttl": 600, "subscriber": "http://b"}"#).status == 204)
            #expect(try await client.get(path).text == rotated.text)
            let shown = try await client.get("\(self.path)/\(id)").json
            #expect(shown["subscriber"] as? String == "http://b" && shown["ttl"] as? Int == 600)
            // At once: the one before ends, and so does the one before that.
            let leaked = try await client.post(path + "/rotate", #"{"overlap": 0}"#)
            #expect(leaked.json["secret"] as? String == (try self.secret(3, of: id, client)))
            #expect(leaked.json["previous"] is [String: String] == false)
            #expect(try await client.get(path).text == leaked.text)
            #expect(try await client.delete("\(self.path)/\(id)").status == 204)
            #expect(try await client.post(path + "/rotate", "").status == 404)
            // The address is free again: its place in the record was still found.
            #expect(try await client.post(self.path, #"{"subscriber": "http://b"}"#).status == 201)
        }
    }

    @Test(arguments: [
        "[]", #"{"overlap": -1}"#, #"{"overlap": 2592001}"#, #"{"overlap": 1.5}"#, #"{"overlap": "1"}"#, #"{"ttl": 1}"#,
        "{",
    ])
    func `A body that is no rotation is refused, and nothing rotates`(body: String) async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client)
            #expect(try await client.post("\(self.path)/\(id)/secret/rotate", body).status == 400)
            let shown = try await client.get("\(self.path)/\(id)/secret").json["secret"] as? String
            #expect(shown == (try self.secret(1, of: id, client)))
        }
    }
}
