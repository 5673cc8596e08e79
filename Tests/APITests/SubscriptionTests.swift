import API
import Domain
import Foundation
import Signing
import TestKit
import Testing

struct SubscriptionTests {
    private let path = "/v2/queues/orders/subscriptions"

    private func ids(_ reply: HTTPReply) -> [String] {
        reply.objects("subscriptions").compactMap { $0["id"] as? String }
    }

    private func subscribe(_ client: APIClient, _ body: String) async throws -> String {
        let reply = try await client.post(self.path, body)
        #expect(reply.status == 201 && reply["Location"] == self.path, "\(body): \(reply)")
        return try #require(reply.json["subscription_id"] as? String)
    }

    @Test func `A subscription is made, listed, shown and deleted (S-8, S-10, S-30, S-31, S-50)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(
                client,
                #"{"subscriber": "https://hook.example/in?a=b", "ttl": 100, "options": {"a": 1, "post_data": "x"}, "z": 0}"#
            )
            let shown = try await client.get("\(self.path)/\(id)")
            #expect(shown.status == 200)
            #expect(
                Set(shown.json.keys) == ["id", "source", "subscriber", "ttl", "age", "options", "confirmed"])
            #expect(shown.json["id"] as? String == id && shown.json["source"] as? String == "orders")
            #expect(shown.json["subscriber"] as? String == "https://hook.example/in?a=b")
            #expect(shown.json["ttl"] as? Int == 100 && (shown.json["age"] as? Int ?? -1) >= 0)
            #expect(shown.json["options"] as? NSDictionary == ["a": 1, "post_data": "x"])
            #expect(shown.json["confirmed"] as? Bool == false)
            #expect(try await self.ids(client.get(self.path)) == [id])
            for wrong in [
                "\(self.path)/fake", "\(self.path)/123", "/v2/queues/other/subscriptions/\(id)", "\(self.path)/",
            ] {
                let reply = try await client.get(wrong)
                #expect(reply.status == 404 && reply.title == "Not found", "\(wrong)")
                // S-51
                #expect(try await client.delete(wrong).status == 204)
            }
            #expect(try await api.client().get("\(self.path)/\(id)").status == 404)
            #expect(try await api.client().delete("\(self.path)/\(id)").status == 204)
            #expect(try await client.get("\(self.path)/\(id)").status == 200)
            #expect(try await client.delete("\(self.path)/\(id)").status == 204)
            #expect(try await client.get("\(self.path)/\(id)").status == 404)
            #expect(try await client.get(self.path).text == #"{"subscriptions":[],"links":[]}"#)
        }
    }

    @Test func `The answer to a subscription links the secret that its webhooks are signed with`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for _ in 0..<2 {
                let made = try await client.post(self.path, #"{"subscriber": "https://hook.example/"}"#)
                let id = try #require(made.json["subscription_id"] as? String)
                #expect(made.json.count == 1)
                let link = try #require(made["Link"])
                #expect(link == "<\(self.path)/\(id)/secret>; rel=\"urn:herald:subscription:secret\"")
                let secret = try await client.get("\(self.path)/\(id)/secret")
                #expect((secret.json["secret"] as? String)?.hasPrefix("whsec_") == true)
            }
        }
    }

    @Test func `The same subscriber gets the same id, on each queue another (S-11, S-22, S-23)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client, #"{"subscriber": "http://a.example", "ttl": 600}"#)
            #expect(
                try await self.subscribe(client, #"{"subscriber": "http://a.example", "ttl": 60, "options": {"x": 1}}"#)
                    == id)
            let shown = try await client.get("\(self.path)/\(id)")
            #expect(shown.json["ttl"] as? Int == 600 && shown.json["options"] as? NSDictionary == [:])
            let other = try await client.post("/v2/queues/new/subscriptions", #"{"subscriber": "http://a.example"}"#)
            #expect(other.status == 201 && other.json["subscription_id"] as? String != id)
            #expect(try await client.get("/v2/queues?with_count=true").json["count"] as? Int == 2)
            #expect(try await client.get(self.path).objects("subscriptions").first?["ttl"] as? Int == 600)
        }
    }

    @Test(arguments: [
        (#"{"subscriber": "http://a", "options": xxx}"#, "body could not be parsed"), ("", "Missing parameter"),
        ("{}", "Missing parameter"), (#"{"ttl": 60}"#, "Missing parameter"), ("[]", "must be a dict"),
        (#"{"subscriber": "fake"}"#, "must be supported in the list"),
        (#"{"subscriber": "email://fake"}"#, "must be supported in the list"),
        (#"{"subscriber": "gopher://b.example"}"#, "must be supported in the list"),
        (#"{"subscriber": "http://a", "options": 1}"#, "must be a dict"),
        (#"{"subscriber": "http://a", "options": "123"}"#, "must be a dict"),
        (#"{"subscriber": "http://a", "ttl": "invalid"}"#, "must be an integer"),
        (#"{"subscriber": "http://a", "ttl": "123"}"#, "must be an integer"),
        (#"{"subscriber": "http://a", "ttl": 99999999999999999}"#, "10000"),
        (#"{"subscriber": "http://a", "ttl": 0}"#, "60"),
        (#"{"subscriber": "http://a", "options": {"_retry_policy": []}}"#, "retry_policy must be a dict."),
        (#"{"subscriber": "http://a", "options": {"post_headers": {"webhook-id": "1"}}}"#, "may not set webhook-id"),
        (#"{"subscriber": "http://a", "options": {"post_data": 1}}"#, "post_data has to be a string"),
    ])
    func `What is wrong is said, and no queue is made (S-14 to S-19, O-20)`(body: String, words: String) async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let reply = try await client.post(self.path, body.isEmpty ? nil : body)
            #expect(reply.status == 400 && reply.words.contains(words))
            #expect(try await client.get("/v2/queues?with_count=true").json["count"] as? Int == 0)
        }
    }

    @Test func `Any address is taken: whether it may be called is decided when it is (S-21, S-26)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for uri in (0..<15).map({ "http://\($0)" }) + [
                "http://fake:8080", "http://127.0.0.1:9/", "HTTPS://x", "http:/a/b", "mailto:a@b.example",
            ] {
                _ = try await self.subscribe(client, #"{"subscriber": "\#(uri)"}"#)
            }
        }
    }

    @Test(arguments: [
        ("http://127.0.0.1:9999/in ", "blank"), ("http:", "scheme"), ("http://", "no host"), ("http://h:abc/", "port"),
        ("http://127.0.0.1:99999/", "port"), ("http://[::1/", "host"), ("http://exa mple.test/", "blank"),
        ("http://b\u{fc}cher.test/", "xn--"), ("http:///x", "no host"), ("http://h/\\u0000", "control"),
        ("mailto:a b@c.example", "blank"), ("mailto:a@b.example,c@d.example", "several addresses"),
        ("mailto:a%0D%0A@b.example", "line break"), ("mailto:%3Ca@b.example%3E", "< or >"),
        ("mailto:@x.example:a@b.example", "source route"), ("mailto:\u{e9}@b.example", "ASCII"),
        ("mailto:a@b.example?subject=%0A", "subject"), ("mailto:", "no address"), ("mailto:a@b%", "hexadecimal"),
    ])
    func `An address that could never be sent to is refused with the reason, when made and when changed`(
        uri: String, words: String
    ) async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let made = try await client.post(self.path, #"{"subscriber": "\#(uri)"}"#)
            #expect(made.status == 400 && made.words.contains(words), "\(made.words)")
            #expect(try await client.get("/v2/queues?with_count=true").json["count"] as? Int == 0)
            let id = try await self.subscribe(client, #"{"subscriber": "http://a.example"}"#)
            let changed = try await client.patch("\(self.path)/\(id)", #"{"subscriber": "\#(uri)"}"#)
            #expect(changed.status == 400 && changed.words.contains(words), "\(changed.words)")
            #expect(
                try await client.get("\(self.path)/\(id)").json["subscriber"] as? String == "http://a.example")
        }
    }

    @Test func `Pages of subscriptions follow creation (S-1 to S-3, S-5 to S-7)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            #expect(try await client.get(self.path).text == #"{"subscriptions":[],"links":[]}"#)
            var made: [String] = []
            for number in 0..<15 {
                made.append(try await self.subscribe(client, #"{"subscriber": "http://\#(number)"}"#))
            }
            #expect(made == made.sorted())
            for limit in [1, 5, 10, 15] {
                let first = try await client.get("\(self.path)?limit=\(limit)&detailed=true")
                #expect(self.ids(first) == Array(made.prefix(limit)))
                #expect(first.next == "\(self.path)?limit=\(limit)&marker=\(made[limit - 1])")
                let second = try await client.get(try #require(first.next))
                #expect(self.ids(second) == Array(made.dropFirst(limit).prefix(limit)))
            }
            #expect(try await self.ids(client.get("\(self.path)?limit=20")) == made)
            #expect(try await self.ids(client.get(self.path)) == Array(made.prefix(10)))
            #expect(try await self.ids(client.get("\(self.path)?marker=\(made[9])")) == Array(made.suffix(5)))
            #expect(try await self.ids(client.get("\(self.path)?marker=nope")).isEmpty)
            for query in ["limit=0", "limit=21", "limit=x"] {
                #expect(try await client.get("\(self.path)?\(query)").status == 400)
            }
            // Subscriptions outlive their queue.
            #expect(try await client.delete("/v2/queues/orders").status == 204)
            #expect(try await self.ids(client.get("\(self.path)?limit=20")) == made)
        }
    }

    @Test func `The project of a subscription can read the secret its webhooks are signed with, and no other can`()
        async throws
    {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try await self.subscribe(client, #"{"subscriber": "http://a.example"}"#)
            let reply = try await client.get("\(self.path)/\(id)/secret")
            #expect(reply.status == 200 && reply["Cache-Control"] == "no-store" && reply.json.count == 2)
            let expected = try MasterKey(RunningAPI.masterKey).webhookSecret(
                project: ProjectID(client.project), subscription: try #require(SubscriptionID(id)), version: 1)
            #expect(reply.json["secret"] as? String == expected.text)
            for path in ["\(self.path)/nope/secret", "/v2/queues/other/subscriptions/\(id)/secret"] {
                #expect(try await client.get(path).status == 404)
            }
            #expect(try await api.client().get("\(self.path)/\(id)/secret").status == 404)
            #expect(try await client.post("\(self.path)/\(id)/secret", "{}").status == 405)
        }
    }
}
