import API
import Foundation
import TestKit
import Testing

/// Pre-signed URLs, from their making to their use.
struct ShareTests {
    private let path = "/v2/queues/shared_queue"

    private func headers(_ share: HTTPReply, client: APIClient) throws -> [(String, String)] {
        let texts = share.json.compactMapValues { $0 as? String }
        let lists = share.json.compactMapValues { $0 as? [String] }
        return [
            ("URL-Signature", texts["signature"] ?? ""), ("URL-Expires", texts["expires"] ?? ""),
            ("URL-Methods", lists["methods"]?.joined(separator: ",") ?? ""),
            ("URL-Paths", lists["paths"]?.joined(separator: ",") ?? ""), ("X-Project-Id", texts["project"] ?? ""),
            ("Client-ID", client.client),
        ]
    }

    @Test func `U-1, U-2: a share says what it opens, and its queue need not be there`() async throws {
        try await withAPI(signedURLKeys: ["secret key of the test"]) { api async throws in
            let client = api.client()
            let share = try await client.post(self.path + "/share", #"{"methods": ["POST", "GET"]}"#)
            #expect(share.status == 200)
            #expect(Set(share.json.keys) == ["project", "paths", "methods", "expires", "signature"])
            #expect(share.json["project"] as? String == client.project)
            #expect(share.json["methods"] as? [String] == ["GET", "POST"])
            #expect(share.json["paths"] as? [String] == [self.path + "/messages"])
            let expires = try #require(share.json["expires"] as? String)
            let moment = try #require(ISO8601DateFormatter().date(from: expires + "Z"))
            #expect(abs(moment.timeIntervalSinceNow - 86_400) < 10)
            #expect(try #require(share.json["signature"] as? String).wholeMatch(of: /[0-9a-f]{64}/) != nil)
            let two = try await client.post(self.path + "/share", #"{"paths": ["subscriptions", "messages"]}"#)
            #expect(two.json["paths"] as? [String] == [self.path + "/messages", self.path + "/subscriptions"])
            #expect(two.json["methods"] as? [String] == ["GET"])
            #expect(try await client.get("/v2/queues?with_count=true").json["count"] as? Int == 0)
            for body in ["{}", #"{"paths": null, "methods": [], "expires": null}"#] {
                #expect(try await client.post(self.path + "/share", body).status == 200)
            }
            // As the clients of the field write it: UTC, microseconds, no zone.
            let precise = try await client.post(self.path + "/share", #"{"expires": "2099-01-01T00:00:00.123456"}"#)
            #expect(precise.json["expires"] as? String == "2099-01-01T00:00:00")
        }
    }

    @Test(arguments: [
        nil, "", "not json", #"{"dummy": "meh"}"#, #"{"expires": "wrong date format"}"#, #"{"expires": 3600}"#,
        #"{"expires": "3600"}"#, #"{"expires": "2001-01-01"}"#, #"{"methods": "methods not list"}"#,
        #"{"methods": [1]}"#, #"{"paths": ["notallowed"]}"#, #"{"paths": "messages"}"#, "[]", #"{"project": "p"}"#,
    ])
    func `U-3, U-10: what cannot be shared is refused`(body: String?) async throws {
        try await withAPI(signedURLKeys: ["secret key of the test"]) { api async throws in
            #expect(try await api.client().post(self.path + "/share", body).status == 400)
        }
    }

    @Test func `U-10: without a key nothing is shared`() async throws {
        try await withAPI { api async throws in
            #expect(try await api.client().post(self.path + "/share", "{}").status == 400)
        }
    }

    @Test func `U-4, U-5, U-11: the holder of a share reaches its paths, and no others`() async throws {
        try await withAPI(signedURLKeys: ["secret key of the test", "an older key"]) { api async throws in
            let owner = api.client()
            let resource = try #require(try await owner.postMessages(["1"], to: "shared_queue").first)
            let share = try await owner.post(self.path + "/share", "{}")
            let guest = try self.headers(share, client: api.client())
            let caller = HTTPCaller(api.address)
            let listed = try await caller.send("GET", self.path + "/messages", headers: guest)
            #expect(listed.status == 200 && listed.objects("messages").count == 1)
            #expect(try await caller.send("GET", resource, headers: guest).status == 200)
            for (method, path) in [
                ("DELETE", resource), ("POST", self.path + "/messages"), ("GET", self.path),
                ("GET", self.path + "/stats"), ("GET", self.path + "/messages_more"), ("POST", self.path + "/share"),
            ] {
                let reply = try await caller.send(method, path, headers: guest, body: method == "POST" ? "{}" : nil)
                #expect(reply.status == 404 && reply.text == #"{"title":"404 Not Found"}"#, "\(method) \(path)")
            }
        }
    }

    @Test func `U-6, U-7, U-8, O-4: nothing but what was signed opens anything`() async throws {
        try await withAPI(signedURLKeys: ["secret key of the test"]) { api async throws in
            let owner = api.client()
            let share = try await owner.post("/v2/queues/a.b/share", #"{"methods": ["GET", "POST"]}"#)
            let good = try self.headers(share, client: owner)
            let caller = HTTPCaller(api.address)
            #expect(try await caller.send("GET", "/v2/queues/a.b/messages", headers: good).status == 200)
            func changed(_ name: String, _ change: (String) -> String) -> [(String, String)] {
                good.map { $0.0 == name ? ($0.0, change($0.1)) : $0 }
            }
            let rows: [(String, [(String, String)])] = [
                ("/v2/queues/aXb/messages", good), ("/v2/queues/a.b/messages", changed("URL-Signature") { _ in "" }),
                ("/v2/queues/a.b/messages", changed("URL-Signature") { String($0.dropLast()) }),
                ("/v2/queues/a.b/messages", changed("URL-Methods") { _ in "" }),
                ("/v2/queues/a.b/messages", changed("URL-Methods") { _ in "POST,PUT" }),
                ("/v2/queues/a.b/messages", changed("URL-Expires") { _ in "wrong date format" }),
                ("/v2/queues/a.b/messages", changed("URL-Expires") { _ in "2001-01-01T00:00:00" }),
                ("/v2/queues/a.b/messages", changed("URL-Paths") { $0 + ",/v2" }),
                ("/v2/queues/a.b/messages", changed("X-Project-Id") { $0 + "x" }),
            ]
            for (path, headers) in rows {
                let reply = try await caller.send("GET", path, headers: headers)
                #expect(reply.status == 404, "\(path) \(headers)")
            }
        }
    }

    @Test func `A pre-signed request has no roles (O-3), and still names its client`() async throws {
        var rules = AccessRules()
        rules.hasAdministration = true
        try await withAPI(signedURLKeys: ["secret key of the test"], rules: rules) { api async throws in
            let owner = api.client()
            let share = try await owner.post(self.path + "/share", #"{"paths": ["claims"], "methods": ["POST"]}"#)
            let guest = try self.headers(share, client: owner)
            let caller = HTTPCaller(api.address)
            let nameless = guest.filter { $0.0 != "Client-ID" }
            #expect(try await caller.send("POST", self.path + "/claims", headers: guest, body: "{}").status == 204)
            #expect(try await caller.send("POST", self.path + "/claims", headers: nameless, body: "{}").status == 400)
            let health = try await caller.send("GET", "/v2/health", headers: guest + [("X-Roles", "admin")])
            #expect(health.status == 404)
        }
    }
}
