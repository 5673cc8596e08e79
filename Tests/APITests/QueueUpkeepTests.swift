import API
import Foundation
import TestKit
import Testing

/// Counting a queue, and emptying it.
struct QueueUpkeepTests {
    private let path = "/v2/queues/orders"

    private func stats(_ client: APIClient) async throws -> [String: Any] {
        let reply = try await client.get(self.path + "/stats")
        #expect(reply.status == 200)
        return reply.json["messages"] as? [String: Any] ?? [:]
    }

    @Test func `Q-80, Q-81: a queue without messages counts zero and shows no edge`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let zeros = #"{"messages":{"claimed":0,"free":0,"total":0}}"#
            #expect(try await client.get(self.path + "/stats").text == zeros)
            _ = try await client.put(self.path)
            #expect(try await client.get(self.path + "/stats").text == zeros)
            _ = try await client.delete(self.path)
            #expect(try await client.get(self.path + "/stats").text == zeros)
        }
    }

    @Test func `Q-82, Q-83, Q-88, Q-89, O-18: oldest and newest are shown by href, age and creation`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let first = try await client.postMessages((0..<6).map(String.init), to: "orders")
            #expect(try await self.stats(client)["free"] as? Int == 6)
            api.time.pass(seconds: 2)
            let last = try await client.postMessages((0..<6).map(String.init), to: "orders")
            _ = try await client.post(self.path + "/claims?limit=1", "{}")
            let stats = try await self.stats(client)
            #expect(stats["total"] as? Int == 12 && stats["free"] as? Int == 11 && stats["claimed"] as? Int == 1)
            let oldest = try #require(stats["oldest"] as? [String: Any])
            let newest = try #require(stats["newest"] as? [String: Any])
            #expect(oldest["href"] as? String == first.first && newest["href"] as? String == last.last)
            for edge in [oldest, newest] { #expect(Set(edge.keys) == ["href", "age", "created"]) }
            #expect((oldest["age"] as? Int ?? 0) >= 2 && (newest["age"] as? Int ?? 9) < 2)
            let format = ISO8601DateFormatter()
            let created = try #require(format.date(from: oldest["created"] as? String ?? ""))
            let latest = try #require(format.date(from: newest["created"] as? String ?? ""))
            #expect(created < latest && latest < Date().addingTimeInterval(60))
        }
    }

    private func furnish(_ client: APIClient, messages: Int, subscriptions: Int) async throws -> ([String], [String]) {
        let posted = try await client.postMessages((0..<messages).map(String.init), to: "orders")
        var ids: [String] = []
        for number in 0..<subscriptions {
            let made = try await client.post(self.path + "/subscriptions", #"{"subscriber": "http://\#(number)"}"#)
            ids.append(try #require(made.json["subscription_id"] as? String))
        }
        return (posted, ids)
    }

    @Test func `Q-90, Q-91: only what is named is purged`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put(self.path, #"{"k": 1}"#)
            let (posted, ids) = try await self.furnish(client, messages: 3, subscriptions: 1)
            let purged = try await client.post(self.path + "/purge", #"{"resource_types": ["messages"]}"#)
            #expect(purged.status == 204 && purged.body.isEmpty)
            for message in posted { #expect(try await client.get(message).status == 404) }
            let listed = try await client.get(self.path + "/subscriptions").objects("subscriptions")
            #expect(listed.map { $0["id"] as? String } == ids)
            let (others, _) = try await self.furnish(client, messages: 1, subscriptions: 0)
            let subscriptions = #"{"resource_types": ["subscriptions"]}"#
            #expect(try await client.post(self.path + "/purge", subscriptions).status == 204)
            #expect(try await client.get(self.path + "/subscriptions/\(ids[0])").status == 404)
            #expect(try await client.get(others[0]).status == 200)
            let both = #"{"resource_types": ["messages", "subscriptions"]}"#
            #expect(try await client.post(self.path + "/purge", both).status == 204)
            #expect(try await client.get(others[0]).status == 404)
            #expect(try await client.get(self.path).json["k"] as? Int == 1)
        }
    }

    @Test(arguments: [
        #"{"wrong_key": ["messages"]}"#, #"{"resource_types": ["wrong_value"]}"#, #"{"resource_types": "messages"}"#,
        #"{"resource_types": null}"#, #"{"resource_types": [1]}"#, "{}", "[]", "null", ".", "  ",
    ])
    func `Q-92: what is no list of kinds is refused and purges nothing`(body: String) async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let (posted, _) = try await self.furnish(client, messages: 1, subscriptions: 0)
            let reply = try await client.post(self.path + "/purge", body)
            #expect(reply.status == 400 && reply.title == "Invalid request body")
            #expect(try await client.get(posted[0]).status == 200)
        }
    }

    @Test func `Q-92: a queue that is not there is purged and not made`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for body in [#"{"resource_types": ["messages"]}"#, #"{"resource_types": []}"#, nil] {
                #expect(try await client.post(self.path + "/purge", body).status == 204)
            }
            #expect(try await client.get("/v2/queues?with_count=true").json["count"] as? Int == 0)
        }
    }

    @Test(arguments: [nil, "", #"{"resource_types": ["messages", "subscriptions"]}"#])
    func `Q-93, Q-94, Q-95, O-19: everything goes, however many, claimed and delayed too`(body: String?) async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await self.furnish(client, messages: 20, subscriptions: 12)
            let delayed = #"{"messages": [{"body": 1, "delay": 900}]}"#
            _ = try await client.post(self.path + "/messages", delayed)
            let claim = try #require(try await client.post(self.path + "/claims", "{}")["Location"])
            #expect(try await client.post(self.path + "/purge", body).status == 204)
            let list = "/messages?echo=true&include_claimed=true&include_delayed=true"
            #expect(try await client.get(self.path + list).objects("messages").isEmpty)
            #expect(try await client.get(self.path + "/subscriptions").objects("subscriptions").isEmpty)
            #expect(try await client.get(claim).status == 404)
            #expect(try await self.stats(client)["total"] as? Int == 0)
        }
    }
}
