import API
import Foundation
import Operations
import TestKit
import Testing

/// Deleting and popping, with claims and without.
struct MessageRemovalTests {
    private let path = "/v2/queues/fizbit/messages"

    private func post(_ count: Int, _ client: APIClient) async throws -> [String] {
        try await client.postMessages((0..<count).map(String.init), to: "fizbit")
    }

    private func id(_ resource: String) -> String { resource.split(separator: "/").last.map(String.init) ?? "" }

    private func bodies(_ reply: HTTPReply) -> [Int] { reply.objects("messages").compactMap { $0["body"] as? Int } }

    private func claim(_ client: APIClient, limit: Int = 20) async throws -> (path: String, id: String) {
        let made = try await client.post("/v2/queues/fizbit/claims?limit=\(limit)", #"{"ttl": 60, "grace": 60}"#)
        let path = try #require(made["Location"])
        return (path, self.id(path))
    }

    @Test(arguments: ["", "?ids=", "?pop=", "?ids=a&pop=1", "?pop=10&ids=1", "?claim_ids=a"])
    func `M-60, M-71: exactly one of ids and pop is needed`(query: String) async throws {
        try await withAPI { api async throws in
            let reply = try await api.client().delete(self.path + query)
            #expect(reply.status == 400 && reply.title == "Invalid API request")
        }
    }

    @Test(arguments: [false, true])
    func `M-54, M-61, M-62, M-69, Q-86: messages are deleted by their ids, again and again`(isSealed: Bool) async throws
    {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put("/v2/queues/fizbit", "{\"_enable_encrypt_messages\": \(isSealed)}")
            let posted = try await self.post(5, client)
            let query = "?ids=\(self.id(posted[0]))&ids=" + posted.dropFirst().map(self.id).joined(separator: ",")
            #expect(try await client.get(self.path + query).objects("messages").count == 5)
            for _ in 0..<2 {
                let reply = try await client.delete(self.path + query)
                #expect(reply.status == 204 && reply.body.isEmpty)
                #expect(try await client.get(self.path + query).status == 404)
                #expect(try await client.get(posted[3]).status == 404)
            }
            #expect(try await client.delete("/v2/queues/fizbit").status == 204)
            #expect(try await client.delete(self.path + query).status == 204)
        }
    }

    @Test func `M-63: at most twenty ids, counted as they came`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let id = self.id(try await self.post(1, client)[0])
            func delete(_ count: Int) async throws -> Int {
                let ids = Array(repeating: id, count: count).joined(separator: ",")
                return try await client.delete("\(self.path)?ids=\(ids)").status
            }
            #expect(try await delete(22) == 400)
            #expect(try await client.get("\(self.path)/\(id)").status == 200)
            #expect(try await delete(20) == 204)
        }
    }

    @Test func `M-64, M-65, Q-86: ids that lead nowhere are skipped`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            #expect(try await client.delete("/v2/queues/none/messages?ids=a,b,c").status == 204)
            let posted = try await self.post(2, client)
            let uuids = (0..<3).map { _ in UUID().uuidString }
            for ids in ["-\(uuids[0])", uuids.joined(), uuids.joined(separator: ","), "nope,\(self.id(posted[0]))"] {
                for _ in 0..<2 { #expect(try await client.delete("\(self.path)?ids=\(ids)").status == 204) }
            }
            let stats = try await client.get("/v2/queues/fizbit/stats").json["messages"] as? [String: Any]
            #expect(stats?["total"] as? Int == 1)
        }
    }

    @Test func `M-66, M-67, O-15: where deletion takes claims, all or nothing is deleted`() async throws {
        var options = APIOptions()
        options.deletesOnlyClaimed = true
        try await withAPI(options: options) { api async throws in
            let client = api.client()
            let posted = try await self.post(6, client)
            let claim = try await self.claim(client, limit: 5)
            let claimed = posted.prefix(5).map(self.id).joined(separator: ",")
            for (query, status) in [
                ("?ids=\(claimed)", 400), ("?claim_ids=\(claim.id)", 400), ("?ids=\(claimed)&claim_ids=,", 400),
                ("?ids=\(claimed)&claim_ids=\(String(repeating: "0", count: 26))", 403),
                ("?ids=\(claimed),\(self.id(posted[5]))&claim_ids=\(claim.id)", 400),
            ] {
                #expect(try await client.delete(self.path + query).status == status, "\(query)")
            }
            #expect(try await client.get(claim.path).objects("messages").count == 5)
            let five = Array(repeating: claim.id, count: 5).joined(separator: ",")
            #expect(try await client.delete("\(self.path)?ids=nope,\(claimed)&claim_ids=\(five),").status == 204)
            #expect(try await client.get("\(self.path)?ids=\(claimed)").status == 404)
            // Popping and single deletion go on as before.
            #expect(try await self.bodies(client.delete("\(self.path)?pop=1")) == [5])
            let last = try await self.post(1, client)
            #expect(try await client.delete(last[0]).status == 204)
        }
    }

    @Test func `M-68, Q-85: claims do not stop a deletion by ids, and what is left of them is counted`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            func stats() async throws -> [Int?] {
                let stats = try await client.get("/v2/queues/fizbit/stats").json["messages"] as? [String: Any]
                return ["total", "claimed", "free"].map { stats?[$0] as? Int }
            }
            let posted = try await self.post(15, client)
            let claim = try await self.claim(client, limit: 10)
            #expect(try await client.delete("\(posted[0])?claim_id=\(claim.id)").status == 204)
            #expect(try await stats() == [14, 9, 5])
            #expect(
                try await client.delete("\(self.path)?ids=\(self.id(posted[1])),\(self.id(posted[2]))").status == 204)
            #expect(try await stats() == [12, 7, 5])
            #expect(try await self.bodies(client.get(claim.path)) == Array(3..<10))
            #expect(try await client.delete(claim.path).status == 204)
            #expect(try await stats() == [12, 0, 12])
            let ended = try await self.claim(client, limit: 2)
            api.time.pass(seconds: 61)
            #expect(
                try await client.delete("\(self.path)?ids=\(self.id(posted[3])),\(self.id(posted[4]))").status == 204)
            #expect(try await client.get(ended.path).status == 404)
            #expect(try await stats() == [10, 0, 10])
        }
    }

    @Test(arguments: [1, 2, 10])
    func `M-70, M-72: popped messages are returned and gone`(count: Int) async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let posted = try await self.post(count, client)
            let popped = try await client.delete("\(self.path)?pop=\(count)")
            #expect(popped.status == 200 && self.bodies(popped) == Array(0..<count) && popped.json.count == 1)
            for message in popped.objects("messages") {
                #expect(Set(message.keys) == ["id", "age", "ttl", "body", "claim_id", "claim_count"])
                #expect(message["claim_id"] is NSNull && message["claim_count"] as? Int == 0)
            }
            #expect(try await client.get(posted[0]).status == 404)
            for path in [self.path, "/v2/queues/none/messages"] {
                let empty = try await client.delete("\(path)?pop=1")
                #expect(empty.status == 200 && empty.text == #"{"messages":[]}"#)
            }
        }
    }

    @Test(arguments: ["pop=1000000", "pop=-1", "pop=0", "pop=21", "pop=%20", "pop=x"])
    func `M-71: the number to pop is checked`(query: String) async throws {
        try await withAPI { api async throws in
            #expect(try await api.client().delete("\(self.path)?\(query)").status == 400)
        }
    }

    @Test func `M-73, M-74, M-75: a pop takes the oldest that live, and leaves the rest`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.post(
                self.path,
                #"{"messages": [{"body": 9, "ttl": 60}, {"body": 0}, {"body": 1}, {"body": 2}, {"body": 3, "delay": 900}]}"#
            )
            api.time.pass(seconds: 61)
            #expect(try await self.bodies(client.delete("\(self.path)?pop=1")) == [0])
            #expect(try await self.bodies(client.get("\(self.path)?echo=true")) == [1, 2])
            _ = try await self.claim(client, limit: 1)
            #expect(try await self.bodies(client.delete("\(self.path)?pop=20")) == [2])
        }
    }

    @Test(arguments: [false, true])
    func `M-90, M-97: one message is deleted, and was before`(isSealed: Bool) async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put("/v2/queues/fizbit", "{\"_enable_encrypt_messages\": \(isSealed)}")
            let posted = try await self.post(1, client)
            for _ in 0..<2 {
                let reply = try await client.delete(posted[0])
                #expect(reply.status == 204 && reply.body.isEmpty)
                #expect(try await client.get(posted[0]).status == 404)
            }
            for path in ["\(self.path)/nope", "/v2/queues/none/messages/nope", "\(self.path)/"] {
                #expect(try await client.delete(path).status == 204)
                // The message comes first: without one the claim is not looked at.
                #expect(try await client.delete("\(path)?claim_id=invalid").status == 204)
            }
        }
    }

    @Test func `M-91, M-95: a claim that holds nothing protects the message from its holder`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let posted = try await self.post(1, client)
            for claim in ["invalid", "%3B%20DROP%20TABLE%20queues", String(repeating: "0", count: 26)] {
                let reply = try await client.delete("\(posted[0])?claim_id=\(claim)")
                #expect(reply.status == 400 && reply.title == "Unable to delete", "\(claim)")
            }
            #expect(try await client.get(posted[0]).status == 200)
            #expect(try await client.delete("\(posted[0])?claim_id=").status == 204)
        }
    }

    @Test func `M-81, M-92, M-94, M-98: a claimed message is deleted by its claim alone`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let posted = try await self.post(2, client)
            #expect(try await client.get(posted[0]).json["href"] as? String == posted[0])
            let claim = try await self.claim(client, limit: 1)
            let other = try await self.claim(client, limit: 1)
            let href = try #require(try await client.get(posted[0]).json["href"] as? String)
            #expect(href == "\(posted[0])?claim_id=\(claim.id)")
            for path in [posted[0], "\(posted[0])?claim_id=\(other.id)"] {
                let reply = try await client.delete(path)
                #expect(reply.status == 403 && reply.title == "Unable to delete")
            }
            let unknown = try await client.delete("\(posted[0])?claim_id=\(String(repeating: "0", count: 26))")
            #expect(unknown.status == 400)
            #expect(try await client.delete(href).status == 204)
            #expect(try await client.get(href).status == 404)
            #expect(try await api.client().get(href).status == 404)
            #expect(try await client.delete(href).status == 204)
            #expect(try await client.get(other.path).objects("messages").count == 1)
        }
    }

    @Test func `M-93, M-96: after a claim its id deletes nothing, and is not needed`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let posted = try await self.post(2, client)
            let claim = try await self.claim(client)
            #expect(try await client.delete(claim.path).status == 204)
            #expect(try await client.delete("\(posted[0])?claim_id=\(claim.id)").status == 400)
            #expect(try await client.get(posted[0]).status == 200)
            let ended = try await self.claim(client)
            api.time.pass(seconds: 61)
            #expect(try await client.delete("\(posted[0])?claim_id=\(ended.id)").status == 400)
            #expect(try await client.delete(posted[0]).status == 204)
        }
    }

    @Test func `M-37, M-39: claimed messages are listed to whom they are not hidden from`() async throws {
        try await withAPI { api async throws in
            let own = api.client()
            var foreign = api.client()
            foreign.project = own.project
            _ = try await self.post(5, own)
            let before = try await own.get("\(self.path)?echo=true&include_claimed=true").objects("messages")
            _ = try await self.claim(own, limit: 3)
            #expect(try await self.bodies(own.get("\(self.path)?echo=true")) == [3, 4])
            let after = try await own.get("\(self.path)?echo=true&include_claimed=true").objects("messages")
            #expect(after.map { $0["id"] as? String } == before.map { $0["id"] as? String })
            _ = try await self.claim(own)
            for query in ["?echo=true", "?echo=false", "?include_claimed=true&echo=false"] {
                #expect(try await own.get(self.path + query).objects("messages").isEmpty, "\(query)")
            }
            #expect(try await foreign.get("\(self.path)?include_claimed=true").objects("messages").count == 5)
            #expect(try await own.get("\(self.path)?include_claimed=true&echo=true").objects("messages").count == 5)
        }
    }

    @Test func `M-40, Q-87: an expired message is nowhere, at once`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let posted = try await client.post(self.path, #"{"messages": [{"body": 1, "ttl": 60}, {"body": 2}]}"#)
            let resources = try #require(posted.json["resources"] as? [String])
            api.time.pass(seconds: 61)
            #expect(try await self.bodies(client.get("\(self.path)?echo=true")) == [2])
            #expect(try await client.get(resources[0]).status == 404)
            let location = try #require(posted["Location"])
            #expect(try await self.bodies(client.get(location)) == [2])
            #expect(try await client.delete(resources[0]).status == 204)
            let stats = try await client.get("/v2/queues/fizbit/stats").json["messages"] as? [String: Any]
            #expect(stats?["free"] as? Int == 1)
        }
    }
}
