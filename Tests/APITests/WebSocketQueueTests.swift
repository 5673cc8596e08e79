import API
import Domain
import Foundation
import TestKit
import Testing

/// Queues over WebSocket.
struct WebSocketQueueTests {
    @Test func `W-30: A request without a project is 400`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let reply = try await client.call(
                "queue_create", #"{"queue_name": "q"}"#, headers: client.headers(without: "X-Project-ID"))
            #expect(reply.status == 400 && reply.error == "Schema validation failed.")
            let empty = try await client.call(
                "queue_create", #"{"queue_name": "q"}"#, headers: client.headers(["X-Project-ID": ""]))
            #expect(empty.status == 400 && empty.exception != nil && empty["error"] is NSNull)
        }
    }

    @Test(arguments: ["480924", "foo"])
    func `W-31, W-33: A queue is made, read as it was made, counted and removed`(project: String) async throws {
        try await withAPI { api async throws in
            let client = try await api.actions(project: project)
            let queue = #"{"queue_name": "kinder"}"#
            func stats() async throws -> ActionReply { try await client.call("queue_get_stats", queue) }
            let absent = try await stats()
            #expect(
                absent.status == 404 && absent["messages"] as? NSDictionary == ["claimed": 0, "free": 0, "total": 0])
            let metadata = #"{"messages": {"ttl": 600}, "_max_claim_count": null, "x": [1, {"y": "é"}]}"#
            let created = try await client.call(
                "queue_create", #"{"queue_name": "kinder", "metadata": \#(metadata)}"#)
            #expect(created.status == 201 && created.word == "Queue kinder created.")
            let read = try await client.call("queue_get", queue)
            #expect(read.status == 200)
            #expect(
                read.body as NSDictionary
                    == (try JSONSerialization.jsonObject(with: Data(metadata.utf8)) as? NSDictionary))
            let empty = try await stats()
            #expect(empty.status == 200 && empty["messages"] as? NSDictionary == ["claimed": 0, "free": 0, "total": 0])
            _ = try await client.post(["1", "2"], to: "kinder")
            _ = try await client.call("claim_create", #"{"queue_name": "kinder", "limit": 1}"#)
            let counted = try #require(try await stats()["messages"] as? [String: Any])
            #expect(counted["total"] as? Int == 2 && counted["claimed"] as? Int == 1 && counted["free"] as? Int == 1)
            let oldest = try #require(counted["oldest"] as? [String: Any])
            #expect(Set(oldest.keys) == ["href", "age", "created"])
            let deleted = try await client.call("queue_delete", queue)
            #expect(deleted.status == 204 && deleted.word == "Queue kinder removed.")
            #expect(try await client.call("queue_delete", queue).status == 204)
            #expect(try await stats().status == 404)
        }
    }

    @Test(arguments: [
        ("marsbar", 201), ("m@rsb@r", 400), (String(repeating: "a", count: 64), 201),
        (String(repeating: "a", count: 65), 400),
        (String(repeating: "a", count: 70), 400), ("", 400), ("/queues/non-ascii-nœme", 400), ("a.b-c_D9", 201),
        ("..", 400),
    ])
    func `W-34, W-46: Names of queues are checked as they are over REST`(name: String, status: Int) async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let reply = try await client.call("queue_create", #"{"queue_name": "\#(name)"}"#)
            #expect(reply.status == status, "\(reply.text)")
            if status == 400 { #expect(reply.exception?.contains("queue name") == true) }
            #expect(
                try await client.call("queue_create", #"{"queue_name": "\#(name)"}"#).status
                    == (status == 201 ? 204 : 400))
            let posted = try await client.call(
                "message_post", #"{"queue_name": "\#(name)", "messages": [{"body": 1}]}"#)
            #expect(posted.status == status)
        }
    }

    @Test func `W-35: A project has at most 256 characters`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            for (project, status) in [
                (String(repeating: "a", count: 360), 400), ("test-project", 201), ("ünïcode", 201),
            ] {
                let headers = client.headers(["X-Project-ID": project])
                #expect(
                    try await client.call("queue_create", #"{"queue_name": "q"}"#, headers: headers).status == status)
            }
        }
    }

    @Test func `W-36: A queue that is made again stays as it was`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            #expect(try await client.call("queue_create", #"{"queue_name": "q"}"#).status == 201)
            #expect(try await client.call("queue_create", #"{"queue_name": "q", "metadata": {"a": 1}}"#).status == 204)
            #expect(try await client.call("queue_get", #"{"queue_name": "q"}"#).body.isEmpty)
        }
    }

    @Test(arguments: [
        #""{""#, #""[]""#, #"".""#, #""  ""#, "[]", "1", #"{"_default_message_ttl": 1}"#, #"{"_email": 1}"#,
    ])
    func `W-37: Metadata are an object that keeps the rules of REST`(metadata: String) async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let reply = try await client.call("queue_create", #"{"queue_name": "q", "metadata": \#(metadata)}"#)
            #expect(reply.status == 400)
            #expect(try await client.call("queue_get_stats", #"{"queue_name": "q"}"#).status == 404)
        }
    }

    @Test func `W-38: Metadata beyond their bound are 400, and the connection goes on`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            for count in [65_536, 5 * 65_536] {
                let metadata = #"{"a": "\#(String(repeating: "x", count: count))"}"#
                let reply = try await client.call("queue_create", #"{"queue_name": "q", "metadata": \#(metadata)}"#)
                #expect(reply.status == 400 && reply.exception != nil)
            }
            let fitting = #"{"a": "\#(String(repeating: "x", count: 65_536 - 9))"}"#
            #expect(
                try await client.call("queue_create", #"{"queue_name": "q", "metadata": \#(fitting)}"#).status == 201)
        }
    }

    @Test func `W-39: Queues are listed by pages`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let empty = try await client.call("queue_list")
            #expect(empty.status == 200 && empty.objects("queues").isEmpty && empty.body.count == 1)
            for limit in [0, -1, 21] {
                let refused = try await client.call("queue_list", #"{"limit": \#(limit)}"#)
                #expect(refused.status == 400 && refused.exception?.contains("limit") == true)
            }
            for name in ["q1", "q2", "q3"] {
                let metadata = #"{"n": "\#(name)", "_max_claim_count": null}"#
                #expect(
                    try await client.call(
                        "queue_create", #"{"queue_name": "\#(name)", "metadata": \#(metadata), "limit": 21}"#
                    )
                    .status == 201)
            }
            let other = try await api.actions()
            #expect(try await other.call("queue_create", #"{"queue_name": "q4", "limit": 21}"#).status == 201)
            func names(_ body: String) async throws -> [String] {
                let reply = try await client.call("queue_list", body)
                #expect(reply.status == 200)
                return reply.objects("queues").compactMap { $0["name"] as? String }
            }
            #expect(try await names(#"{"limit": 2}"#) == ["q1", "q2"])
            #expect(try await names(#"{"limit": 5}"#) == ["q1", "q2", "q3"])
            #expect(try await names(#"{"marker": "q1", "limit": 1}"#) == ["q2"])
            #expect(try await names(#"{"marker": "zzz"}"#).isEmpty)
            #expect(try await names(#"{"marker": "q"}"#) == ["q1", "q2", "q3"])
            #expect(try await names(#"{"marker": "é / any text"}"#).isEmpty)
            let detailed = try await client.call("queue_list", #"{"detailed": true}"#).objects("queues")
            #expect(detailed.count == 3)
            for queue in detailed {
                #expect(Set(queue.keys) == ["name", "metadata"])
                let name = try #require(queue["name"] as? String)
                let read = try await client.call("queue_get", #"{"queue_name": "\#(name)"}"#)
                #expect(queue["metadata"] as? NSDictionary == read.body as NSDictionary)
            }
        }
    }

    @Test func `W-40: Whole answers are as clients compare them`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let headers = client.headers()
            let listed = try await client.call("queue_list")
            #expect(
                try listed.equals(
                    #"{"body": {"queues": []}, "headers": {"status": 200}, "request": {"action": "queue_list", "body": {}, "api": "v2", "headers": \#(headers)}}"#
                ))
            let created = try await client.call("queue_create", #"{"queue_name": "my_queue"}"#)
            #expect(
                try created.equals(
                    #"{"body": "Queue my_queue created.", "headers": {"status": 201}, "request": {"action": "queue_create", "body": {"queue_name": "my_queue"}, "api": "v2", "headers": \#(headers)}}"#
                ))
            #expect(try await client.call("queue_list")["queues"] as? NSArray == [["name": "my_queue"]])
        }
    }

    @Test func `W-41, W-65: While the store fails every action is 503, with what was not done`() async throws {
        try await withRedis(appendOnly: true) { redis in
            try await withAPI(redis: redis) { api async throws in
                let client = try await api.actions()
                await api.redis.kill()
                let rows: [(String, String?, String)] = [
                    ("queue_list", nil, "Queues could not be listed."),
                    ("queue_create", #"{"queue_name": "q"}"#, "Queue q could not be created."),
                    ("queue_get", #"{"queue_name": "q"}"#, "Queue q could not be read."),
                    ("message_list", #"{"queue_name": "q"}"#, "Messages could not be listed."),
                    ("message_get_many", #"{"queue_name": "q", "message_ids": ["x"]}"#, "Messages could not be read."),
                    ("claim_get", #"{"queue_name": "q", "claim_id": "x"}"#, "The claim could not be read."),
                    ("subscription_list", #"{"queue_name": "q"}"#, "Subscriptions could not be listed."),
                    (
                        "subscription_create", #"{"queue_name": "q", "subscriber": "http://a"}"#,
                        "Subscription q could not be created."
                    ),
                ]
                for (action, body, error) in rows {
                    let reply = try await client.call(action, body)
                    #expect(reply.status == 503 && reply.error == error, "\(reply.text)")
                    #expect(reply.exception?.contains("try again") == true && !reply.text.contains("Redis"))
                }
                // What is wrong with the request is still said first, and a post invites to no blind repeat.
                #expect(try await client.call("queue_list", #"{"limit": 0}"#).status == 400)
                try await api.redis.start()
                let isBack = try await eventually { try await client.call("queue_list").status == 200 ? true : nil }
                #expect(isBack == true)
            }
        }
    }

    @Test func `W-42: A purge removes messages, claimed ones too, or subscriptions, or both`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            for kinds in [#", "resource_types": ["messages"]"#, #", "resource_types": ["messages", "unknown", 1]"#, ""]
            {
                let ids = try await client.post(["1", "2", "3", "4", "5"], to: "q")
                _ = try await client.call("claim_create", #"{"queue_name": "q", "limit": 2}"#)
                _ = try await client.call("subscription_create", #"{"queue_name": "q", "subscriber": "http://a"}"#)
                func statuses() async throws -> Set<Int> {
                    var statuses: Set<Int> = []
                    for id in ids {
                        statuses.insert(
                            try await client.call("message_get", #"{"queue_name": "q", "message_id": "\#(id)"}"#).status
                        )
                    }
                    return statuses
                }
                #expect(try await statuses() == [200])
                let purged = try await client.call("queue_purge", #"{"queue_name": "q"\#(kinds)}"#)
                #expect(purged.status == 204 && purged.body.isEmpty && purged.word == nil)
                #expect(try await statuses() == [404])
                let left = try await client.call("subscription_list", #"{"queue_name": "q"}"#).objects("subscriptions")
                #expect(left.count == (kinds.isEmpty ? 0 : 1))
            }
            #expect(try await client.call("queue_purge", #"{"queue_name": "absent"}"#).status == 204)
        }
    }
}
