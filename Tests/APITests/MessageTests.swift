import API
import Foundation
import TestKit
import Testing

struct MessageTests {
    private let path = "/v2/queues/fizbit/messages"

    private func ids(_ reply: HTTPReply) -> [String] { reply.objects("messages").compactMap { $0["id"] as? String } }
    private func bodies(_ reply: HTTPReply) -> [Int] { reply.objects("messages").compactMap { $0["body"] as? Int } }

    @Test func `A posted message has an id, a place and comes back as it was (M-1, M-9, M-18, M-19, M-82)`()
        async throws
    {
        try await withAPI { api async throws in
            let client = api.client()
            let posted = try await client.post(
                self.path, #"{"messages": [{"body": {"event": "é", "n": 1.50}, "ttl": 200}]}"#)
            #expect(posted.status == 201)
            let resources = try #require(posted.json["resources"] as? [String])
            #expect(resources.count == 1 && posted.json.count == 1)
            let id = try #require(posted["Location"]?.split(separator: "=").last)
            #expect(posted["Location"] == "\(self.path)?ids=\(id)" && resources == ["\(self.path)/\(id)"])
            let shown = try await client.get(resources[0])
            #expect(shown.status == 200)
            #expect(Set(shown.json.keys) == ["id", "href", "ttl", "age", "body"])
            #expect(shown.json["href"] as? String == resources[0] && shown.json["id"] as? String == String(id))
            #expect(shown.json["ttl"] as? Int == 200 && (shown.json["age"] as? Int ?? -1) >= 0)
            #expect(shown.text.contains(#""body":{"event": "é", "n": 1.50}"#))
            // M-4
            #expect(try await api.client().get(resources[0]).status == 404)
        }
    }

    @Test func `Several messages keep their order, bodies and ttls (M-2, M-5, M-14, M-53, M-55 to M-58)`() async throws
    {
        try await withAPI { api async throws in
            let client = api.client()
            let posted = try await client.post(
                self.path,
                #"{"messages": [{"body": 239, "ttl": 100}, {"body": {"key": "value"}, "ttl": 200}, {"body": [1, 3], "ttl": 300}], "x": 1}"#
            )
            let resources = try #require(posted.json["resources"] as? [String])
            let location = try #require(posted["Location"])
            for (resource, ttl) in zip(resources, [100, 200, 300]) {
                #expect(try await client.get(resource).json["ttl"] as? Int == ttl)
            }
            let all = try await client.get(location)
            #expect(all.status == 200 && all.json["links"] == nil)
            #expect(all.objects("messages").map { $0["ttl"] as? Int } == [100, 200, 300])
            let ids = self.ids(all)
            let mixed = try await client.get(
                "\(self.path)?ids=\(ids[2])&ids=nope&ids=\(ids[0])%2C\(ids[1]),\(ids[2])&limit=x")
            #expect(self.ids(mixed) == [ids[2], ids[0], ids[1]])
            #expect(mixed.objects("messages").allSatisfy { Set($0.keys) == ["id", "href", "ttl", "age", "body"] })
            #expect(!mixed.text.contains("/messages/messages"))
        }
    }

    @Test func `Ids that lead nowhere are 404, and more than a page of them 400 (M-50 to M-52, M-80, M-84)`()
        async throws
    {
        try await withAPI { api async throws in
            let client = api.client()
            let resource = try #require(try await client.postMessages(["1"], to: "fizbit").first)
            let id = try #require(resource.split(separator: "/").last)
            let many = try await client.get(
                "\(self.path)?ids=" + Array(repeating: String(id), count: 21).joined(separator: ","))
            #expect(many.status == 400 && many.title == "Invalid API request")
            #expect(
                try await client.get(
                    "\(self.path)?ids=" + Array(repeating: String(id), count: 20).joined(separator: ",")
                ).status == 200)
            _ = try await client.put("/v2/queues/other")
            for path in [
                "\(self.path)?ids=a,b,c", "\(self.path)?ids=-1", "/v2/queues/none/messages?ids=a,b,c", "\(self.path)/a",
                "/v2/queues/none/messages/a", "/v2/queues/other/messages/\(id)", "/v2/queues/other/messages?ids=\(id)",
                "\(self.path)/\(id.uppercased())", "\(self.path)/\(id.dropLast())0", "\(self.path)/",
                "\(self.path)/\(id)%2F",
            ] where path != resource {
                let reply = try await client.get(path)
                #expect(reply.status == 404 && reply.title == "Not found" && !reply.words.isEmpty, "\(path)")
            }
        }
    }

    @Test func `A message without ttl takes the queue's, then the deployment's (M-6, M-7, M-11)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let body = #"{"messages": [{"body": 1}, {"body": 2, "ttl": 60}, {"body": 3, "ttl": 1209600}]}"#
            func ttls(_ queue: String) async throws -> [Int?] {
                let location = try #require(try await client.post("/v2/queues/\(queue)/messages", body)["Location"])
                return try await client.get(location).objects("messages").map { $0["ttl"] as? Int }
            }
            #expect(try await ttls("plain") == [3600, 60, 1_209_600])
            _ = try await client.put("/v2/queues/own", #"{"_default_message_ttl": 999}"#)
            #expect(try await ttls("own") == [999, 60, 1_209_600])
            for (value, title) in [
                ("-1", "Invalid API request"), ("59", "Invalid API request"), ("1209601", "Invalid API request"),
                ("9223372036854775807", "Invalid API request"), ("60.0", "Invalid request body"),
                ("\"60\"", "Invalid request body"),
                ("true", "Invalid request body"), ("null", "Invalid request body"),
            ] {
                let reply = try await client.post(self.path, "{\"messages\": [{\"body\": null, \"ttl\": \(value)}]}")
                #expect(reply.status == 400 && reply.title == title, "\(value)")
            }
        }
    }

    @Test(arguments: [
        #"{"overflow": 9223372036854775808}"#, #"{"underflow": -9223372036854775809}"#, "NaN", "[Infinity]",
    ])
    func `Numbers that other readers of JSON cannot read are refused (CV-16, O-29)`(body: String) async throws {
        try await withAPI { api async throws in
            let client = api.client()
            #expect(try await client.post(self.path, body).status == 400)
            let reply = try await client.post(self.path, #"{"messages": [{"body": \#(body)}]}"#)
            #expect(reply.status == 400 && reply.words.contains("could not be parsed"))
            // O-20: what is refused makes no queue.
            #expect(try await client.get("/v2/queues?with_count=true").json["count"] as? Int == 0)
        }
    }

    @Test func `Depth is bounded, number of messages is not (M-15, O-29)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            func nested(_ levels: Int) -> String {
                String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
            }
            #expect(try await client.post(self.path, #"{"messages":[{"body":\#(nested(97))}]}"#).status == 201)
            #expect(try await client.post(self.path, #"{"messages":[{"body":\#(nested(98))}]}"#).status == 400)
            #expect(try await client.postMessages(Array(repeating: "7", count: 20), to: "fizbit").count == 20)
            #expect(try await client.postMessages(Array(repeating: "7", count: 1000), to: "fizbit").count == 1000)
        }
    }

    @Test func `Pages of messages go on until an empty one (M-30, M-32, M-38, M-43, CV-17, Q-72)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let posted = try await client.postMessages((0..<15).map { "\($0)" }, to: "fizbit")
            #expect(try await self.ids(client.get(self.path)).isEmpty)
            #expect(try await self.bodies(client.get("\(self.path)?echo=true&limit=20")) == Array(0..<15))
            var path: String? = "\(self.path)?limit=4&echo=True"
            var walked: [String] = []
            while let next = path {
                let reply = try await client.get(next)
                #expect(reply.status == 200)
                for message in reply.objects("messages") {
                    let href = try #require(message["href"] as? String)
                    #expect(try await client.get(href).status == 200)
                    walked.append(href)
                }
                if let following = reply.next {
                    #expect(following == "\(self.path)?limit=4&echo=true&marker=\(self.ids(reply).last ?? "")")
                }
                path = reply.next
            }
            #expect(walked == posted)
            let ten = try await client.get("\(self.path)?echo=true")
            #expect(self.bodies(ten) == Array(0..<10))
            #expect(
                try await self.bodies(client.get("\(self.path)?echo=true&marker=\(self.ids(ten).last ?? "")"))
                    == Array(10..<15))
            #expect(try await client.get("/v2/queues/none/messages?echo=1").text == #"{"messages":[],"links":[]}"#)
            // An empty list of ids is a plain listing.
            #expect(try await self.bodies(client.get("\(self.path)?ids=&echo=true")) == Array(0..<10))
            // Markers outlive the queue and bring nothing back.
            #expect(try await client.delete("/v2/queues/fizbit").status == 204)
            #expect(try await client.get("\(self.path)?echo=true").objects("messages").isEmpty)
            #expect(try await client.get(posted[0]).status == 404)
            _ = try await client.put("/v2/queues/fizbit")
            #expect(
                try await client.get("\(self.path)?echo=true&marker=\(self.ids(ten).first ?? "")").objects("messages")
                    .isEmpty)
        }
    }

    @Test func `A marker that was never issued lists nothing (M-34)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.postMessages(["1", "2", "3"], to: "fizbit")
            let foreign = try #require(
                try await client.postMessages(["4"], to: "other").first?.split(separator: "/").last)
            for marker in ["sfhlsfdjh2048", String(repeating: "0", count: 27), String(foreign)] {
                let reply = try await client.get("\(self.path)?limit=3&echo=true&marker=\(marker)")
                #expect(reply.status == 200 && reply.text == #"{"messages":[],"links":[]}"#)
            }
        }
    }

    @Test func `Own messages are hidden from every spelling of their client (M-35, M-42)`() async throws {
        try await withAPI { api async throws in
            let own = api.client()
            var foreign = api.client()
            foreign.project = own.project
            _ = try await own.postMessages((0..<12).map { "\($0)" }, to: "fizbit")
            _ = try await foreign.postMessages(["99"], to: "fizbit")
            #expect(try await self.bodies(own.get(self.path)) == [99])
            #expect(try await self.bodies(foreign.get("\(self.path)?echo=f")) == Array(0..<10))
            var dashed = own
            for offset in [20, 16, 12, 8] {
                dashed.client.insert("-", at: dashed.client.index(dashed.client.startIndex, offsetBy: offset))
            }
            dashed.client = dashed.client.uppercased()
            #expect(try await self.bodies(dashed.get(self.path)) == [99])
        }
    }

    @Test(arguments: [
        "limit=21", "limit=0", "limit=-1", "limit=10000", "echo=None", "include_claimed=None", "include_delayed=x",
    ])
    func `Parameters are checked (M-33, M-36, CV-23)`(query: String) async throws {
        try await withAPI { api async throws in
            #expect(try await api.client().get("\(self.path)?\(query)").status == 400)
        }
    }

    @Test func `A delayed message is listed only when asked for, and found by its id (ST-10 to ST-13)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put("/v2/queues/fizbit", #"{"_default_message_delay": 900}"#)
            let posted = try await client.post(
                self.path, #"{"messages": [{"body": 1}, {"body": 2, "delay": 0}, {"body": 3, "delay": 30}]}"#)
            let resources = try #require(posted.json["resources"] as? [String])
            #expect(try await self.bodies(client.get("\(self.path)?echo=true")) == [2])
            #expect(try await self.bodies(client.get("\(self.path)?echo=true&include_delayed=true")) == [1, 2, 3])
            for resource in resources { #expect(try await client.get(resource).status == 200) }
            for value in ["901", "-1", "\"5\"", "null", "1.5"] {
                #expect(
                    try await client.post(self.path, "{\"messages\": [{\"body\": 1, \"delay\": \(value)}]}").status
                        == 400)
            }
        }
    }

    @Test func `Bodies come back byte for byte`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let bodies = [
                #"{"b" : 1,"a":1.0e+2 , "b":"\u00e9\/\ud83d\ude00"}"#, "\"\u{7F}\u{2028}é😀\"", "[ ]", "-0", "1e400",
                "null", "\"\"",
                "123456789012345678", "\"" + String(repeating: "x", count: 100_000) + "\"",
            ]
            for resource in zip(try await client.postMessages(bodies, to: "fizbit"), bodies) {
                #expect(try await client.get(resource.0).text.hasSuffix("\"body\":\(resource.1)}"))
            }
        }
    }
}
