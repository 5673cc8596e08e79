import API
import Domain
import Foundation
import TestKit
import Testing

struct ClaimTests {
    private let path = "/v2/queues/fizbit/claims"

    private func claim(_ client: APIClient, _ body: String? = nil, query: String = "") async throws -> HTTPReply {
        try await client.post(self.path + query, body)
    }

    private func bodies(_ reply: HTTPReply) -> [Int] { reply.objects("messages").compactMap { $0["body"] as? Int } }

    private func postNumbers(_ count: Int, _ client: APIClient) async throws -> [String] {
        try await client.postMessages((0..<count).map(String.init), to: "fizbit")
    }

    @Test func `C-1, C-8, C-34: a body that is no object is refused, making and updating`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await self.postNumbers(1, client)
            let location = try #require(try await self.claim(client)["Location"])
            for body in ["[", "[]", ".", "\"fail\"", "  ", "null"] {
                let made = try await self.claim(client, body)
                #expect(made.status == 400 && made.title == "Invalid request body", "\(body)")
                #expect(try await client.patch(location, body).status == 400, "\(body)")
            }
            #expect(try await client.patch(location, nil).status == 400)
        }
    }

    @Test(arguments: ["limit=21", "limit=0", "limit=-1", "limit=200", "limit=x"])
    func `C-2: the size of a claim is checked`(query: String) async throws {
        try await withAPI { api async throws in
            #expect(try await self.claim(api.client(), nil, query: "?" + query).status == 400)
        }
    }

    @Test(arguments: [
        ("-1", "-1"), ("59", "60"), ("60", "59"), ("60", "43201"), ("43201", "60"), ("60.0", "60"), ("\"60\"", "60"),
        ("60", "true"), ("9223372036854775807", "60"),
    ])
    func `C-3, C-30, O-24: ttl and grace are checked, making and updating`(ttl: String, grace: String) async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await self.postNumbers(1, client)
            let body = "{\"ttl\": \(ttl), \"grace\": \(grace)}"
            #expect(try await self.claim(client, body).status == 400)
            let location = try #require(try await self.claim(client)["Location"])
            #expect(try await client.patch(location, body).status == 400)
            // Checked before the claim is looked for.
            #expect(try await client.patch("\(self.path)/nope", body).status == 400)
        }
    }

    @Test func `C-4, C-7, C-14: what a claim does not say has defaults`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for body in [
                "{}", nil, "", #"{"ttl": null, "grace": null}"#, #"{"grace": 60}"#, #"{"grace": 100, "id": "x"}"#,
            ] {
                _ = try await self.postNumbers(1, client)
                let made = try await self.claim(client, body, query: "?unknown=1")
                #expect(made.status == 201, "\(body ?? "-")")
                let shown = try await client.get(try #require(made["Location"]))
                #expect(shown.json["ttl"] as? Int == 300 && shown.json["grace"] == nil && shown.json["id"] == nil)
            }
            _ = try await self.postNumbers(1, client)
            let made = try await self.claim(client, #"{"ttl": 100}"#)
            #expect(try await client.get(try #require(made["Location"])).json["ttl"] as? Int == 100)
        }
    }

    @Test func `C-14: clients that put the limit into the body are understood`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await self.postNumbers(60, client)
            for (body, query, count) in [
                (#"{"limit": 1}"#, "", 1), (#"{"limit": 99}"#, "", 10), (#"{"limit": "x"}"#, "", 10),
                (#"{"limit": 1}"#, "?limit=2", 2), (#"{"limit": 1.5, "messages": []}"#, "", 10),
            ] {
                #expect(try await self.bodies(self.claim(client, body, query: query)).count == count, "\(body)\(query)")
            }
        }
    }

    @Test func `C-5, C-11, C-12, CV-17: a claim holds its messages and says so in their hrefs`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let posted = try await self.postNumbers(10, client)
            let made = try await self.claim(client, #"{"ttl": 100, "grace": 60}"#)
            let location = try #require(made["Location"])
            #expect(made.status == 201 && made.json.count == 1)
            let id = try #require(location.split(separator: "/").last)
            #expect(location == "\(self.path)/\(id)")
            let messages = made.objects("messages")
            #expect(messages.count == 10)
            for (message, resource) in zip(messages, posted) {
                #expect(Set(message.keys) == ["id", "href", "ttl", "age", "body"])
                #expect(message["href"] as? String == "\(resource)?claim_id=\(id)")
            }
            let second = try await self.claim(client, nil, query: "?limit=3")
            #expect(second.status == 204 && second.body.isEmpty && second["Location"] == nil)
            // Client-side, the id is what stands behind the last equals sign.
            let cut = (messages[0]["href"] as? String)?.split(separator: "=").last
            #expect(cut == id)
            #expect(try await client.get("\(self.path)/\(cut ?? "")").status == 200)
            #expect(try await client.patch("\(self.path)/\(cut ?? "")", "{}").status == 204)
            #expect(try await client.delete("\(self.path)/\(cut ?? "")").status == 204)
        }
    }

    @Test func `C-6: a queue that is not there has nothing to claim, and is not made`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let reply = try await self.claim(client, "{}")
            #expect(reply.status == 204 && reply.body.isEmpty && reply["Location"] == nil)
            #expect(try await client.get("/v2/queues?with_count=true").json["count"] as? Int == 0)
        }
    }

    @Test func `C-9, C-10, Q-84: claims take ten messages each and never one twice`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await self.postNumbers(51, client)
            var taken: [Int] = []
            for _ in 0..<5 {
                let bodies = try await self.bodies(self.claim(client, "{}"))
                #expect(bodies.count == 10)
                taken += bodies
            }
            #expect(taken == Array(0..<50))
            _ = try await client.postMessages((0..<20).map(String.init), to: "twenty")
            let made = try await client.post("/v2/queues/twenty/claims?limit=15", "{}")
            #expect(made.objects("messages").count == 15)
            let stats = try await client.get("/v2/queues/twenty/stats").json["messages"] as? [String: Any]
            #expect(stats?["claimed"] as? Int == 15 && stats?["free"] as? Int == 5 && stats?["total"] as? Int == 20)
        }
    }

    @Test func `C-13: a claim does not take what another holds, also behind a message that was freed`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await self.postNumbers(4, client)
            let first = try await self.claim(client, "{}", query: "?limit=1")
            let second = try await self.claim(client, "{}", query: "?limit=2")
            #expect(try await client.delete(try #require(first["Location"])).status == 204)
            #expect(try await self.bodies(self.claim(client, "{}")) == [0, 3])
            #expect(self.bodies(second) == [1, 2])
        }
    }

    @Test func `C-20, C-24, C-26: a claim is shown as it was made, and ages`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await self.postNumbers(3, client)
            let made = try await self.claim(client, #"{"ttl": 100, "grace": 60}"#)
            let location = try #require(made["Location"])
            api.time.pass(seconds: 10)
            let shown = try await client.get(location)
            #expect(shown.status == 200 && Set(shown.json.keys) == ["age", "ttl", "href", "messages"])
            #expect(shown.json["ttl"] as? Int == 100 && shown.json["href"] as? String == location)
            #expect([10, 11, 12].contains(shown.json["age"] as? Int))
            for (one, other) in zip(made.objects("messages"), shown.objects("messages")) {
                for name in ["id", "href", "ttl"] { #expect("\(one[name] ?? 0)" == "\(other[name] ?? 1)") }
                #expect(one["body"] as? Int == other["body"] as? Int)
            }
            #expect(self.bodies(shown) == [0, 1, 2])
        }
    }

    @Test func `C-21, C-22, C-32, C-40, C-41: a claim that is not there is 404, and its release is no error`()
        async throws
    {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await self.postNumbers(1, client)
            let location = try #require(try await self.claim(client)["Location"])
            #expect(try await client.delete(location).status == 204)
            for path in [
                location, "/v2/queues/none/claims/aaabbbba", "\(self.path)/a", "\(self.path)/\(UUID())",
                "\(self.path)/", "\(self.path)/;DROP%20TABLE",
            ] {
                for reply in [try await client.get(path), try await client.patch(path, "{}")] {
                    #expect(reply.status == 404 && reply.title == "Not found" && !reply.words.isEmpty, "\(path)")
                }
                #expect(try await client.delete(path).status == 204, "\(path)")
            }
        }
    }

    @Test func `C-23, O-14, O-23, ST-2: an ended claim is gone at once, and from the hrefs`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let posted = try await self.postNumbers(2, client)
            let location = try #require(try await self.claim(client, #"{"ttl": 60, "grace": 60}"#)["Location"])
            api.time.pass(seconds: 61)
            #expect(try await client.get(location).status == 404)
            #expect(try await client.patch(location, "{}").status == 404)
            #expect(try await client.delete(location).status == 204)
            #expect(try await client.get(posted[0]).json["href"] as? String == posted[0])
            #expect(try await self.bodies(self.claim(client)) == [0, 1])
        }
    }

    @Test func `C-25, Q-71, Q-73, O-16: claims go with their queue and do not come back`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let posted = try await self.postNumbers(2, client)
            let location = try #require(try await self.claim(client)["Location"])
            #expect(try await client.delete("/v2/queues/fizbit").status == 204)
            for _ in 0..<2 {
                #expect(try await client.get(location).status == 404)
                #expect(try await client.patch(location, "{}").status == 404)
                #expect(try await client.get(posted[0]).status == 404)
                let stats = try await client.get("/v2/queues/fizbit/stats")
                #expect(stats.text == #"{"messages":{"claimed":0,"free":0,"total":0}}"#)
                #expect(try await client.get("/v2/queues/fizbit/messages?echo=true").objects("messages").isEmpty)
                _ = try await client.put("/v2/queues/fizbit")
            }
        }
    }

    @Test func `C-31, C-33, C-35: an update starts the claim anew and changes no message`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await self.postNumbers(2, client)
            let location = try #require(try await self.claim(client, #"{"ttl": 1000, "grace": 60}"#)["Location"])
            api.time.pass(seconds: 50)
            let updated = try await client.patch(location, #"{"ttl": 60, "grace": 60, "messages": 1}"#)
            #expect(updated.status == 204 && updated.body.isEmpty)
            let shown = try await client.get(location)
            #expect(shown.json["ttl"] as? Int == 60 && (shown.json["age"] as? Int ?? 99) < 10)
            #expect(self.bodies(shown) == [0, 1])
            // What is not said becomes the default.
            #expect(try await client.patch(location, "{}").status == 204)
            #expect(try await client.get(location).json["ttl"] as? Int == 300)
        }
    }

    @Test func `C-42, M-41: a release frees every message, at its old place`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await self.postNumbers(3, client)
            let location = try #require(try await self.claim(client, "{}", query: "?limit=2")["Location"])
            let list = "/v2/queues/fizbit/messages?echo=true"
            #expect(try await self.bodies(client.get(list)) == [2])
            #expect(try await client.delete(location).status == 204)
            #expect(try await self.bodies(client.get(list)) == [0, 1, 2])
            let stats = try await client.get("/v2/queues/fizbit/stats").json["messages"] as? [String: Any]
            #expect(stats?["claimed"] as? Int == 0)
        }
    }

    @Test(arguments: [(777, 60, 837), (121, 60, 181), (60, 60, 120)])
    func `ST-1: a claim prolongs what would end before it, and says so`(ttl: Int, grace: Int, shown: Int)
        async throws
    {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.post("/v2/queues/fizbit/messages", #"{"messages": [{"body": 1, "ttl": 120}]}"#)
            let made = try await self.claim(client, "{\"ttl\": \(ttl), \"grace\": \(grace)}")
            #expect(made.objects("messages").first?["ttl"] as? Int == shown)
        }
    }

    @Test func `ST-3, O-8: a prolonged message lives as long as it says`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let posted = try await client.post(
                "/v2/queues/fizbit/messages", #"{"messages": [{"body": 1, "ttl": 120}]}"#)
            let message = try #require((posted.json["resources"] as? [String])?.first)
            _ = try await self.claim(client, #"{"ttl": 777, "grace": 60}"#)
            api.time.pass(seconds: 700)
            #expect(try await client.get(message).status == 200)
            api.time.pass(seconds: 107)
            #expect(try await client.get(message).status == 200)
            api.time.pass(seconds: 40)
            #expect(try await client.get(message).status == 404)
        }
    }

    @Test func `ST-4: text that is no claim id is a claim that is not there`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let posted = try await self.postNumbers(1, client)
            _ = try await self.claim(client)
            for id in ["x", String(repeating: "0", count: 26), String(repeating: "u", count: 26)] {
                #expect(try await client.delete("\(self.path)/\(id)").status == 204)
                #expect(try await client.get("\(self.path)/\(id)").status == 404)
                #expect(try await client.patch("\(self.path)/\(id)", "{}").status == 404)
            }
            #expect((try await client.get(posted[0]).json["href"] as? String)?.contains("claim_id") == true)
        }
    }

    @Test func `ST-10, ST-11, ST-12, ST-14: delayed messages are claimed when their time has come`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put("/v2/queues/fizbit", #"{"_default_message_delay": 3}"#)
            _ = try await self.postNumbers(1, client)
            let list = "/v2/queues/fizbit/messages?echo=true&include_delayed=true"
            #expect(try await self.bodies(client.get(list)) == [0])
            #expect(try await self.claim(client).status == 204)
            api.time.pass(seconds: 4)
            #expect(try await self.bodies(self.claim(client)) == [0])
            _ = try await client.post("/v2/queues/fizbit/messages", #"{"messages": [{"body": 7, "delay": 1}]}"#)
            api.time.pass(seconds: 2)
            #expect(try await self.bodies(self.claim(client)) == [7])
            let plain = "/v2/queues/plain"
            let messages = #"{"messages": [{"body": 1}, {"body": 2, "delay": 30}, {"body": 3, "delay": 0}]}"#
            _ = try await client.post(plain + "/messages", messages)
            #expect(try await self.bodies(client.post(plain + "/claims", "{}")) == [1, 3])
        }
    }
}
