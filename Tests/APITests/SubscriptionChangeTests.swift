import API
import Foundation
import TestKit
import Testing

/// Changing, confirming and outliving subscriptions.
struct SubscriptionChangeTests {
    private let path = "/v2/queues/orders/subscriptions"

    private func subscribe(_ client: APIClient, _ uri: String = "http://a.example", ttl: Int = 600) async throws
        -> String
    {
        let made = try await client.post(self.path, #"{"subscriber": "\#(uri)", "ttl": \#(ttl), "options": {"a": 1}}"#)
        let id = try #require(made.json["subscription_id"] as? String)
        return "\(self.path)/\(id)"
    }

    @Test func `S-40, S-47, S-49: what is named is replaced, and nothing else`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let subscription = try await self.subscribe(client)
            let reply = try await client.patch(subscription, #"{"ttl": 300}"#)
            #expect(reply.status == 204 && reply.body.isEmpty && reply["Location"] == subscription)
            var shown = try await client.get(subscription).json
            #expect(shown["ttl"] as? Int == 300 && shown["options"] as? NSDictionary == ["a": 1])
            #expect(
                try await client.patch(
                    subscription, #"{"subscriber": "https://b", "ttl": null, "options": {"b": 2}, "x": 1}"#
                ).status == 204)
            shown = try await client.get(subscription).json
            #expect(shown["subscriber"] as? String == "https://b" && shown["ttl"] as? Int == 300)
            #expect(shown["options"] as? NSDictionary == ["b": 2])
            // The command line client always sends all three.
            #expect(
                try await client.patch(subscription, #"{"subscriber": null, "ttl": null, "options": {}}"#).status == 204
            )
            #expect(try await client.get(subscription).json["options"] as? NSDictionary == [:])
        }
    }

    @Test func `S-41: a subscription that is not there is 404`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id = try #require(try await self.subscribe(client).split(separator: "/").last)
            for path in [
                "\(self.path)/x", "\(self.path)/\(UUID())", "/v2/queues/other/subscriptions/\(id)", "\(self.path)/",
            ] {
                let reply = try await client.patch(path, #"{"ttl": 60}"#)
                #expect(reply.status == 404 && reply.title == "Not found", "\(path)")
            }
            #expect(try await api.client().patch("\(self.path)/\(id)", #"{"ttl": 60}"#).status == 404)
            #expect(try await client.get("\(self.path)/\(id)").json["ttl"] as? Int == 600)
        }
    }

    @Test func `S-42: a queue has a subscriber once`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let one = try await self.subscribe(client, "http://one")
            let two = try await self.subscribe(client, "http://two")
            let taken = try await client.patch(two, #"{"subscriber": "http://one"}"#)
            #expect(taken.status == 409 && taken.title == "Resource conflict")
            #expect(try await client.patch(one, #"{"subscriber": "http://one"}"#).status == 204)
            #expect(try await client.patch(one, #"{"subscriber": "http://fresh"}"#).status == 204)
            #expect(try await client.patch(two, #"{"subscriber": "http://fresh"}"#).status == 409)
            #expect(try await client.patch(two, #"{"subscriber": "http://one"}"#).status == 204)
        }
    }

    @Test(arguments: [
        (nil, "Unable to update subscription", "ttl"), ("{}", "Unable to update subscription", "ttl"),
        (#"{"ttl": null, "x": 1}"#, "Unable to update subscription", "ttl"), ("[]", "Invalid request body", "dict"),
        ("[1]", "Invalid request body", "Subscriptions must be a dict."),
        ("{ttl: 1}", "Invalid request body", "body could not be parsed"),
        (#"{"ttl": "invalid"}"#, "Invalid API request", "must be an integer"),
        (#"{"ttl": 50}"#, "Invalid API request", "60"),
        (#"{"ttl": 0}"#, "Invalid API request", "60"), (#"{"options": 1}"#, "Invalid API request", "must be a dict"),
        (#"{"options": []}"#, "Invalid API request", "must be a dict"),
        (#"{"subscriber": ""}"#, "Invalid request body", "string"),
        (#"{"subscriber": "fake"}"#, "Invalid API request", "must be supported in the list"),
        (#"{"options": {"_retry_policy": {"maximum_delay": 6}}}"#, "Invalid API request", "invalid minimum_delay"),
        (#"{"options": {"post_headers": {"A": "b\r\nc: d"}}}"#, "Invalid API request", "line break"),
        (#"{"options": {"post_data": []}}"#, "Invalid API request", "post_data has to be a string"),
    ])
    func `S-43, S-44, S-45, S-48, O-25: what is wrong is said, also of an unknown id`(
        body: String?, title: String, words: String
    ) async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let subscription = try await self.subscribe(client)
            for path in [subscription, "\(self.path)/x"] {
                let reply = try await client.patch(path, body)
                #expect(reply.status == 400 && reply.title == title && reply.words.contains(words))
                #expect(body != "[1]" || reply.words == words)
                #expect(!reply.words.contains("{"))
            }
            #expect(try await client.get(subscription).json["ttl"] as? Int == 600)
        }
    }

    @Test func `S-26: any address is taken by a change, too`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let subscription = try await self.subscribe(client)
            for uri in ["http://0", "http://14", "http://fake:8080", "http://127.0.0.1:9/"] {
                #expect(try await client.patch(subscription, #"{"subscriber": "\#(uri)"}"#).status == 204)
            }
        }
    }

    @Test func `S-4, S-6, S-24, S-32, S-46: a subscription lives as long as it says, and its place is free then`()
        async throws
    {
        try await withAPI { api async throws in
            let client = api.client()
            let short = try await self.subscribe(client, "http://short", ttl: 60)
            let long = try await self.subscribe(client, "http://long")
            let lowered = try await self.subscribe(client, "http://lowered")
            api.time.pass(seconds: 30)
            #expect(try #require(try await client.get(long).json["age"] as? Int) >= 30)
            #expect(try await client.patch(lowered, #"{"ttl": 60}"#).status == 204)
            #expect(try #require(try await client.get(lowered).json["age"] as? Int) < 30)
            api.time.pass(seconds: 31)
            #expect(try await client.get(short).status == 404)
            #expect(try await client.get(lowered).status == 200)
            #expect(try await self.subscribe(client, "http://short") != short)
            #expect(try await self.subscribe(client, "http://fourth") != short)
            api.time.pass(seconds: 30)
            #expect(try await client.get(lowered).status == 404)
            let listed = try await client.get(self.path).objects("subscriptions").map { $0["subscriber"] as? String }
            #expect(listed == ["http://long", "http://short", "http://fourth"])
        }
    }

    @Test func `S-13, S-60, S-64, S-66: a confirmation is written down, and withdrawn`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let subscription = try await self.subscribe(client)
            #expect(try await client.get(subscription).json["confirmed"] as? Bool == false)
            let confirmed = try await client.send(
                "PUT", subscription + "/confirm", #"{"confirmed": true}"#, headers: [("EXTRA-SPEC", "messages")])
            #expect(confirmed.status == 204 && confirmed.body.isEmpty)
            #expect(confirmed["Location"] == subscription + "/confirm")
            #expect(try await client.get(subscription).json["confirmed"] as? Bool == true)
            let again = try await client.post(self.path, #"{"subscriber": "http://a.example"}"#)
            #expect(again.status == 409 && again["Location"] == self.path && again.title == "Resource conflict")
            #expect(again.words.contains(subscription.split(separator: "/").last ?? "?"))
            #expect(try await client.put(subscription + "/confirm", #"{"confirmed": false}"#).status == 204)
            #expect(try await client.get(subscription).json["confirmed"] as? Bool == false)
        }
    }

    @Test(arguments: [
        ("{confirmed:123}", "body could not be parsed"), (#"{"confirmed": 123}"#, "The 'confirmed' should be boolean."),
        (#"{"confirmed": null}"#, "The 'confirmed' should be boolean."), ("{}", "confirmed"), (nil, "confirmed"),
        ("[]", "dict"),
    ])
    func `S-61, S-62, S-63: a confirmation says yes or no, and of whom`(body: String?, words: String) async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let subscription = try await self.subscribe(client)
            for path in [subscription, "\(self.path)/nope"] {
                let reply = try await client.put(path + "/confirm", body)
                #expect(reply.status == 400 && reply.words.contains(words))
                #expect(!words.hasPrefix("The") || reply.words == words)
                #expect(try await client.put("\(self.path)/nope/confirm", #"{"confirmed": true}"#).status == 404)
            }
            #expect(try await client.post(subscription + "/confirm", #"{"confirmed": true}"#).status == 405)
        }
    }
}
