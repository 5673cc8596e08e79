import API
import Domain
import Foundation
import HTTPServer
import Operations
import Redis
import Store
import TestKit
import Testing

/// `/v2/limits` and `/v2/projects/{project}/limits`.
struct ProjectLimitTests {
    private static func limits(_ set: (inout ProjectLimits) -> Void) -> ProjectLimits {
        var limits = ProjectLimits()
        set(&limits)
        return limits
    }

    /// One limit of a document.
    private func entry(_ reply: HTTPReply, _ limit: ProjectLimit) -> [String: Any] {
        let limits = reply.json["limits"] as? [String: Any]
        return limits?[limit.rawValue] as? [String: Any] ?? [:]
    }

    @Test func `A project sees its limits, whose they are, and what it uses`() async throws {
        try await withAPI(
            rules: Administrator.rules, projectLimits: Self.limits { $0.queues = 3 }
        ) { api async throws in
            let client = api.client(project: "some/one")
            #expect(try await client.put("/v2/queues/q").status == 201)
            let first = try await client.get("/v2/limits")
            #expect(first.status == 200 && first.json["project"] as? String == "some/one")
            #expect(self.entry(first, .queues)["limit"] as? Int == 3)
            #expect(self.entry(first, .queues)["own"] as? Bool == false)
            #expect(self.entry(first, .queues)["used"] as? Int == 1)

            let admin = Administrator(api)
            let path = "/v2/projects/some%2Fone/limits"
            #expect(try await admin.put(path, #"{"queues": 7}"#).status == 204)
            for reply in [try await client.get("/v2/limits"), try await admin.get(path)] {
                #expect(reply.json["project"] as? String == "some/one")
                #expect(self.entry(reply, .queues)["limit"] as? Int == 7)
                #expect(self.entry(reply, .queues)["own"] as? Bool == true)
            }
            #expect(self.entry(try await api.client().get("/v2/limits"), .queues)["limit"] as? Int == 3)
            // What is null, or not named, is the deployment's.
            #expect(try await admin.put(path, #"{"queues": null}"#).status == 204)
            #expect(self.entry(try await admin.get(path), .queues)["own"] as? Bool == false)
            #expect(try await admin.put(path, #"{"queues": 0}"#).status == 204)
            #expect(self.entry(try await admin.get(path), .queues)["limit"] as? Int == 0)
            for _ in 0..<2 { #expect(try await admin.delete(path).status == 204) }
            #expect(self.entry(try await admin.get(path), .queues)["limit"] as? Int == 3)
        }
    }

    @Test(arguments: [
        "", "[]", #"{"queus": 1}"#, #"{"queues": -1}"#, #"{"queues": 1000000000001}"#, #"{"queues": 1.5}"#,
        #"{"queues": "1"}"#, #"{"queues": true}"#,
    ])
    func `What is no limit is refused and changes nothing`(body: String) async throws {
        try await withAPI(rules: Administrator.rules) { api async throws in
            let admin = Administrator(api)
            #expect(try await admin.put("/v2/projects/p/limits", #"{"queues": 5}"#).status == 204)
            let reply = try await admin.put("/v2/projects/p/limits", body)
            #expect(reply.status == 400 && reply.title == "Invalid request body", "\(reply)")
            #expect(self.entry(try await admin.get("/v2/projects/p/limits"), .queues)["limit"] as? Int == 5)
        }
    }

    @Test func `A path without a project, or with one that cannot be, is a 400`() async throws {
        try await withAPI(rules: Administrator.rules) { api async throws in
            for name in ["", String(repeating: "p", count: 257), "%FF"] {
                for method in ["GET", "PUT", "DELETE"] {
                    let reply = try await Administrator(api).send(method, "/v2/projects/\(name)/limits", "{}")
                    #expect(reply.status == 400 && reply.words.contains("project"), "\(method) \(name)")
                }
            }
        }
    }

    @Test func `Without the routes of administrators there is only the project's own view`() async throws {
        try await withAPI { api async throws in
            #expect(try await Administrator(api).get("/v2/projects/p/limits").status == 404)
            #expect(try await api.client().get("/v2/limits").status == 200)
        }
    }

    @Test func `Limits of a newer version are not left out`() async throws {
        try await withAPI { api async throws in
            _ = try await api.redis.command("SET", "herald:{control}:project-limits:p", "queues=4 moons=1")
            #expect(try await api.client(project: "p").put("/v2/queues/q").status == 503)
            #expect(try await api.client(project: "other").put("/v2/queues/q").status == 201)
        }
    }

    @Test func `A queue beyond the limit is refused however it would be made, and one that is there goes on`()
        async throws
    {
        try await withAPI(projectLimits: Self.limits { $0.queues = 2 }) { api async throws in
            let client = api.client()
            #expect(try await client.put("/v2/queues/a").status == 201)
            let post = #"{"messages": [{"body": 1}]}"#
            #expect(try await client.post("/v2/queues/b/messages", post).status == 201)
            let subscription = #"{"subscriber": "http://a.example", "ttl": 600}"#
            for reply in [
                try await client.put("/v2/queues/c"), try await client.post("/v2/queues/c/messages", post),
                try await client.post("/v2/queues/c/subscriptions", subscription),
            ] {
                #expect(reply.status == 403 && reply.title == "Limit reached", "\(reply)")
                #expect(reply.words.contains("'queues'") && reply.words.contains("2"))
            }
            #expect(try await client.put("/v2/queues/a").status == 204)
            #expect(try await client.post("/v2/queues/a/messages", post).status == 201)
            #expect(try await client.post("/v2/queues/b/subscriptions", subscription).status == 201)
            // Another project, and one in place of a queue that was deleted.
            #expect(try await api.client().put("/v2/queues/c").status == 201)
            #expect(try await client.delete("/v2/queues/a").status == 204)
            #expect(try await client.post("/v2/queues/c/messages", post).status == 201)
        }
    }

    @Test func `A subscription beyond the limit is refused, one that is there is not, and what ended makes way`()
        async throws
    {
        try await withAPI(projectLimits: Self.limits { $0.subscriptions = 2 }) { api async throws in
            let client = api.client()
            func subscribe(_ name: String, _ queue: String = "q") async throws -> HTTPReply {
                try await client.post(
                    "/v2/queues/\(queue)/subscriptions", #"{"subscriber": "http://\#(name).example", "ttl": 600}"#)
            }
            let first = try await subscribe("a")
            #expect(first.status == 201)
            #expect(try await subscribe("b", "other").status == 201)
            let refused = try await subscribe("c")
            #expect(refused.status == 403 && refused.title == "Limit reached")
            #expect(refused.words.contains("'subscriptions'") && refused.words.contains("2"))
            #expect(try await subscribe("a").status == first.status)
            let actions = try await api.actions(project: client.project)
            let asked = try await actions.call("subscription_create", #"{"queue_name": "q", "ttl": 600}"#)
            #expect(asked.status == 403 && asked.text.contains("'subscriptions'"))
            #expect(
                try await api.client().post("/v2/queues/q/subscriptions", #"{"subscriber": "http://a"}"#).status == 201)
            let use = try await client.get("/v2/limits")
            #expect(self.entry(use, .subscriptions)["used"] as? Int == 2)
            let id = try #require(first.json["subscription_id"] as? String)
            #expect(try await client.delete("/v2/queues/q/subscriptions/\(id)").status == 204)
            let made = try await eventually { try await subscribe("c").status == 201 ? true : nil }
            #expect(made == true)
        }
    }

    @Test func `A post beyond the bytes is refused whole, and what was consumed makes way`() async throws {
        try await withAPI(projectLimits: Self.limits { $0.bytes = 1000 }) { api async throws in
            let client = api.client()
            func post(_ sizes: Int..., to queue: String = "q") async throws -> HTTPReply {
                let bodies = sizes.map { #"{"body": "\#(String(repeating: "x", count: $0 - 2))"}"# }
                return try await client.post(
                    "/v2/queues/\(queue)/messages", #"{"messages": [\#(bodies.joined(separator: ", "))]}"#)
            }
            #expect(try await post(400).status == 201)
            #expect(try await post(400, to: "other").status == 201)
            for reply in [try await post(200), try await post(20, 200)] {
                #expect(reply.status == 403 && reply.title == "Limit reached", "\(reply)")
                #expect(reply.words.contains("'bytes'") && reply.words.contains("1000"))
            }
            let actions = try await api.actions(project: client.project)
            let text = String(repeating: "x", count: 300)
            let asked = try await actions.call(
                "message_post", #"{"queue_name": "q", "messages": [{"body": "\#(text)", "ttl": 60}]}"#)
            #expect(asked.status == 403 && asked.text.contains("'bytes'"))
            #expect(try await post(100).status == 201)
            #expect(self.entry(try await client.get("/v2/limits"), .bytes)["used"] as? Int == 900 + 3 * 13)
            #expect(try await api.client().post("/v2/queues/q/messages", #"{"messages": [{"body": 1}]}"#).status == 201)
            #expect(try await client.delete("/v2/queues/other/messages?pop=1").status == 200)
            let posted = try await eventually { try await post(400).status == 201 ? true : nil }
            #expect(posted == true)
        }
    }

    private static func messages(_ count: Int) -> String {
        #"{"messages": [\#((0..<count).map { #"{"body": \#($0), "ttl": 600}"# }.joined(separator: ", "))]}"#
    }

    @Test func `A post beyond the rate is refused with a time, over REST and WebSocket, until there is another rate`()
        async throws
    {
        try await withAPI(
            rules: Administrator.rules, projectLimits: Self.limits { $0.posts = 1 }
        ) { api async throws in
            let client = api.client()
            let path = "/v2/queues/q/messages"
            // More than a second's worth, of a full bucket: it takes a hundred seconds to fill again.
            #expect(try await client.post(path, Self.messages(100)).status == 201)
            for count in [1, 2, 1] {
                let refused = try await client.post(path, Self.messages(count))
                #expect(refused.status == 503 && refused.title == "Limit reached", "\(refused)")
                #expect(refused.words.contains("'posts'"))
                let seconds = try #require(refused["Retry-After"].flatMap { Int($0) })
                #expect((1...100).contains(seconds))
            }
            let actions = try await api.actions(project: client.project)
            let asked = try await actions.call(
                "message_post", #"{"queue_name": "q", "messages": [{"body": 1, "ttl": 60}]}"#)
            #expect(asked.status == 503 && asked.text.contains("'posts'"), "\(asked.text)")
            // Nothing else is, and no other project.
            #expect(try await client.get(path).status == 200)
            #expect(try await client.get("/v2/queues/q/stats").text.contains(#""total":100"#))
            #expect(try await api.client().post(path, Self.messages(1)).status == 201)
            #expect(self.entry(try await client.get("/v2/limits"), .posts)["used"] is NSNull)
            let admin = Administrator(api)
            let limits = "/v2/projects/\(client.project)/limits"
            #expect(try await admin.put(limits, #"{"posts": 1000000}"#).status == 204)
            // By the limit of before it would take a hundred seconds.
            var tries = 0
            let posted = try await eventually { () -> Bool? in
                tries += 1
                if tries <= 50 { api.time.pass(milliseconds: 1000) }
                return try await client.post(path, Self.messages(1)).status == 201 ? true : nil
            }
            #expect(posted == true)
        }
    }

    @Test func `Posts of a project that may post much ask for tokens once in a while`() async throws {
        try await withAPI(projectLimits: Self.limits { $0.posts = 1_000_000 }) { api async throws in
            let client = api.client()
            // Each post sets the position of its shard, and one that asks sets what is left in the bucket.
            let isSpared = try await eventually { () -> Bool? in
                _ = try await api.redis.command("CONFIG", "RESETSTAT")
                for _ in 0..<10 {
                    #expect(try await client.post("/v2/queues/q/messages", Self.messages(1)).status == 201)
                }
                let info = try await api.redis.command("INFO", "commandstats").text ?? ""
                let sets = info.firstMatch(of: #/cmdstat_set:calls=([0-9]+)/#).flatMap { Int($0.output.1) } ?? 0
                return (10..<15).contains(sets) ? true : nil
            }
            #expect(isSpared == true)
        }
    }

    @Test func `While the control store is away a post to a pool goes on, whatever its rate`() async throws {
        try await withServers(2) { servers in
            try await withAPI(
                rules: Administrator.rules, projectLimits: Self.limits { $0.posts = 1 }, redis: servers[0]
            ) { api async throws in
                #expect(try await Administrator(api).putPool("p", servers[1].uri("p")).status == 201)
                let client = api.client()
                #expect(try await client.post("/v2/queues/q/messages", Self.messages(1)).status == 201)
                await servers[0].kill()
                for _ in 0..<3 {
                    #expect(try await client.post("/v2/queues/q/messages", Self.messages(50)).status == 201)
                }
                try await servers[0].start()
            }
        }
    }

    @Test
    func `While the control store is away a project goes by what is known of it, and one that is not by the defaults`()
        async throws
    {
        try await withRedisClient(appendOnly: true) { redis, client in
            let store = try await Store.open(on: client, shards: 1, logger: quietLogger())
            let directory = ProjectLimitDirectory(
                store.projectLimits, store.projects, defaults: Self.limits { $0.queues = 7 }, logger: quietLogger())
            let (known, unknown) = (try ProjectID("known"), try ProjectID("unknown"))
            let own = try #require(OwnLimits([.queues: 3]))
            try await directory.put(own, for: known)
            try await directory.put(own, for: unknown)
            #expect(try await directory.limits(of: known).queues == 3)
            await redis.kill()
            for _ in 0..<1000 {
                #expect(try await directory.limits(of: unknown).queues == 7)
                #expect(try await directory.limits(of: known).queues == 3)
            }
            try await redis.start()
            let isRead = try await eventually { try await directory.limits(of: unknown).queues == 3 ? true : nil }
            #expect(isRead == true)
        }
    }

    private static let list = #"{"queue_name": "q"}"#

    @Test func `A session beyond the limit is answered 503, one that is there goes on, and one that ends makes way`()
        async throws
    {
        try await withAPI(projectLimits: Self.limits { $0.connections = 2 }) { api async throws in
            let first = try await api.actions()
            let second = try await api.actions(project: first.project)
            let third = try await api.actions(project: first.project)
            for client in [first, second, first] {
                #expect(try await client.call("message_list", Self.list).status == 200)
            }
            for _ in 0..<2 {
                let refused = try await third.call("message_list", Self.list)
                #expect(refused.status == 503 && refused.text.contains("'connections'"), "\(refused.text)")
            }
            #expect(try await api.actions().call("message_list", Self.list).status == 200)
            let use = try await api.client(project: first.project).get("/v2/limits")
            #expect(self.entry(use, .connections)["used"] as? Int == 2)
            // A stream is one too.
            let client = api.client(project: first.project)
            let stream = try await client.get("/v2/queues/q/stream")
            #expect(stream.status == 503 && stream.title == "Limit reached" && stream["Retry-After"] == "5")
            #expect(stream.words.contains("'connections'"))
            await first.socket.close()
            let goesOn = try await eventually {
                try await third.call("message_list", Self.list).status == 200 ? true : nil
            }
            #expect(goesOn == true)
        }
    }

    @Test func `An open stream counts until its client goes`() async throws {
        try await withAPI(projectLimits: Self.limits { $0.connections = 1 }) { api async throws in
            let client = api.client()
            let source = try await EventSource.open(api.address, "/v2/queues/q/stream", headers: client.headers)
            let isOpen = try await eventually {
                self.entry(try await client.get("/v2/limits"), .connections)["used"] as? Int == 1 ? true : nil
            }
            #expect(isOpen == true)
            let actions = try await api.actions(project: client.project)
            #expect(try await actions.call("message_list", Self.list).status == 503)
            await source.close()
            let goesOn = try await eventually {
                try await actions.call("message_list", Self.list).status == 200 ? true : nil
            }
            #expect(goesOn == true)
        }
    }

    @Test func `Where callers are authenticated a session counts from then on, and once`() async throws {
        try await withAPI(
            projectLimits: Self.limits { $0.connections = 1 }, sessionAuthenticator: PolicyTests.RoleAuthenticator()
        ) { api async throws in
            let (first, second) = (try await api.actions(project: "p"), try await api.actions(project: "p"))
            func authenticate(_ client: ActionClient, as project: String = "p") async throws -> ActionReply {
                try await client.call("authenticate", headers: client.headers(["X-Auth-Token": project]))
            }
            for _ in 0..<2 { #expect(try await authenticate(first).status == 200) }
            let refused = try await authenticate(second)
            #expect(refused.status == 503 && refused.text.contains("Authentication failed."), "\(refused.text)")
            #expect(refused.text.contains("'connections'"))
            #expect(try await second.call("message_list", Self.list).status == 403)
            // As another project it may, and the first one makes way once it is for another.
            #expect(try await authenticate(second, as: "other").status == 200)
            #expect(try await authenticate(first, as: "third").status == 200)
            let isFree = try await eventually { try await authenticate(second).status == 200 ? true : nil }
            #expect(isFree == true)
            #expect(try await second.call("message_list", Self.list).status == 200)
        }
    }

    @Test func `A pre-signed post is refused alike`() async throws {
        let key = "a-key-of-enough-characters"
        try await withAPI(signedURLKeys: [key], projectLimits: Self.limits { $0.bytes = 20 }) { api async throws in
            let client = api.client()
            #expect(try await client.put("/v2/queues/q").status == 201)
            let share = try await client.post("/v2/queues/q/share", #"{"paths": ["messages"], "methods": ["POST"]}"#)
            let (paths, methods) = (share.json["paths"] as? [String], share.json["methods"] as? [String])
            let headers = [
                ("URL-Signature", share.json["signature"] as? String ?? ""),
                ("URL-Expires", share.json["expires"] as? String ?? ""),
                ("URL-Methods", methods?.joined(separator: ",") ?? ""),
                ("URL-Paths", paths?.joined(separator: ",") ?? ""),
            ]
            for (body, status) in [("123456789", 403), ("1", 201)] {
                let reply = try await client.send(
                    "POST", "/v2/queues/q/messages", #"{"messages": [{"body": \#(body)}]}"#, headers: headers)
                #expect(reply.status == status, "\(reply)")
            }
        }
    }

    @Test func `Actions are refused alike`() async throws {
        try await withAPI(projectLimits: Self.limits { $0.queues = 1 }) { api async throws in
            let actions = try await api.actions()
            #expect(try await actions.call("queue_create", #"{"queue_name": "a"}"#).status == 201)
            let created = try await actions.call("queue_create", #"{"queue_name": "b"}"#)
            #expect(created.status == 403 && created.text.contains("'queues'"))
            let posted = try await actions.call(
                "message_post", #"{"queue_name": "b", "messages": [{"body": 1, "ttl": 60}]}"#)
            #expect(posted.status == 403 && posted.text.contains("'queues'"))
            let subscribed = try await actions.call("subscription_create", #"{"queue_name": "b", "ttl": 600}"#)
            #expect(subscribed.status == 403 && subscribed.text.contains("'queues'"))
        }
    }

    @Test func `A dead letter arrives in its queue also at the limit`() async throws {
        try await withAPI(projectLimits: Self.limits { $0.queues = 1 }) { api async throws in
            let client = api.client()
            let metadata = #"{"_max_claim_count": 1, "_dead_letter_queue": "dead"}"#
            #expect(try await client.put("/v2/queues/q", metadata).status == 201)
            #expect(
                try await client.post("/v2/queues/q/messages", #"{"messages": [{"body": 1, "ttl": 3600}]}"#).status
                    == 201)
            for status in [201, 204] {
                #expect(try await client.post("/v2/queues/q/claims", #"{"ttl": 60, "grace": 60}"#).status == status)
                api.time.pass(seconds: 61)
            }
            let messages = try await client.get("/v2/queues/dead/messages?echo=true").objects("messages")
            #expect(messages.count == 1)
            #expect(self.entry(try await client.get("/v2/limits"), .queues)["used"] as? Int == 2)
            #expect(try await client.put("/v2/queues/other").status == 403)
        }
    }
}
