import API
import Foundation
import TestKit
import Testing

struct QueueTests {
    private static var defaults: [String: Any] {
        [
            "_max_messages_post_size": 262_144, "_default_message_ttl": 3600, "_default_message_delay": 0,
            "_dead_letter_queue": NSNull(), "_dead_letter_queue_messages_ttl": NSNull(), "_max_claim_count": NSNull(),
            "_enable_encrypt_messages": false,
        ]
    }

    private func names(_ reply: HTTPReply) -> [String] { reply.objects("queues").compactMap { $0["name"] as? String } }

    @Test func `A queue is made once, with its metadata and a place (Q-20, Q-21, Q-30, Q-31, CV-22)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let made = try await client.put("/v2/queues/fizbat", #"{"messages": {"ttl": 600}}"#)
            #expect(made.status == 201 && made.body.isEmpty && made["Content-Length"] == "0")
            #expect(made["Location"] == "/v2/queues/fizbat")
            var expected = Self.defaults
            expected["messages"] = ["ttl": 600]
            #expect(try await client.get("/v2/queues/fizbat").json as NSDictionary == expected as NSDictionary)
            for body in [nil, #"{"other": 1}"#] {
                let again = try await client.put("/v2/queues/fizbat", body)
                #expect(again.status == 204 && again["Location"] == "/v2/queues/fizbat")
            }
            #expect(try await client.get("/v2/queues/fizbat").json as NSDictionary == expected as NSDictionary)
            // Q-32
            #expect(try await client.put("/v2/queues/fizbat", #"{"_default_message_ttl": 59}"#).status == 400)
        }
    }

    @Test func `Every queue can be shown, made or not (Q-40, Q-41, Q-42, Q-70)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for _ in 0..<2 {
                let reply = try await client.get("/v2/queues/q")
                #expect(reply.status == 200)
                #expect(reply.json as NSDictionary == Self.defaults as NSDictionary)
                #expect(try await client.put("/v2/queues/q", #"{"a": null, "_default_message_ttl": 60}"#).status == 201)
                #expect(try await client.get("/v2/queues/q").json["_default_message_ttl"] as? Int == 60)
                #expect(try await client.get("/v2/queues/q").json["a"] is NSNull)
                #expect(try await client.delete("/v2/queues/q").status == 204)
                #expect(try await client.delete("/v2/queues/q").status == 204)
            }
        }
    }

    @Test(arguments: [
        ("_default_message_ttl", "60", 201), ("_default_message_ttl", "59", 400), ("_default_message_ttl", "0", 400),
        ("_default_message_ttl", "1209601", 400), ("_default_message_ttl", "null", 201),
        ("_default_message_delay", "901", 400),
        ("_dead_letter_queue_messages_ttl", "\"123\"", 400), ("_dead_letter_queue_messages_ttl", "59", 400),
        ("_max_claim_count", "\"123\"", 400), ("_max_claim_count", "true", 400), ("_max_claim_count", "5", 201),
        ("_dead_letter_queue", "\"q\"", 400), ("_dead_letter_queue", "\"failed\"", 201), ("_retry_policy", "[]", 400),
        ("_retry_policy", "{\"minimum_delay\":\"1\"}", 400), ("_retry_policy", "{}", 201),
        ("_retry_policy", "{\"minimum_delay\":1,\"maximum_delay\":11}", 201), ("_flavor", "\"any\"", 201),
        ("_enable_encrypt_messages", "1", 400), ("_enable_encrypt_messages", "false", 201),
    ])
    func `Reserved attributes are checked (Q-25, Q-26, Q-28, Q-29)`(name: String, value: String, status: Int)
        async throws
    {
        try await withAPI { api async throws in
            let reply = try await api.client().put("/v2/queues/q", "{\"\(name)\": \(value)}")
            #expect(reply.status == status)
            #expect(status == 201 || reply.title == "Invalid API request")
        }
    }

    @Test func `An empty project lists nothing (Q-1, Q-8, Q-12)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for path in ["/v2/queues", "/v2/queues?marker=zzz", "/v2/queues?with_count=1"] {
                let reply = try await client.get(path)
                #expect(reply.status == 200)
                #expect(reply.objects("queues").isEmpty && (reply.json["links"] as? [Any])?.isEmpty == true)
                #expect(reply.json["count"] as? Int == (path.hasSuffix("1") ? 0 : nil))
            }
        }
    }

    @Test(arguments: [
        ("limit=21", "Invalid API request"), ("limit=0", "Invalid API request"), ("limit=-1", "Invalid API request"),
        ("limit=200", "Invalid API request"), ("limit=x", "Invalid parameter"), ("limit=1.0", "Invalid parameter"),
        ("limit=%20", "Invalid parameter"), ("limit=99999999999999999999", "Invalid parameter"),
        ("detailed=None", "Invalid parameter"), ("detailed=TRUE", "Invalid parameter"),
        ("with_count=2", "Invalid parameter"),
    ])
    func `Parameters are checked (Q-2, CV-23)`(query: String, title: String) async throws {
        try await withAPI { api async throws in
            let reply = try await api.client().get("/v2/queues?\(query)")
            #expect(reply.status == 400 && reply.title == title)
        }
    }

    @Test func `Pages follow one another without gaps or repeats (Q-3, Q-4, Q-13, Q-14, Q-15, CV-17)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            let queues = (10..<25).map { "q\($0)" }
            for queue in queues { _ = try await client.put("/v2/queues/\(queue)", #"{"n": "\#(queue)"}"#) }
            let first = try await client.get("/v2/queues?detailed=true")
            #expect(self.names(first) == Array(queues.prefix(10)))
            #expect(first.next == "/v2/queues?detailed=true&marker=q19")
            let second = try await client.get("/v2/queues?marker=q19&limit=+20")
            #expect(self.names(second) == Array(queues.suffix(5)))
            #expect(
                second.objects("queues").allSatisfy {
                    $0["metadata"] == nil && $0["href"] as? String == "/v2/queues/\($0["name"] ?? "")"
                })
            for limit in [1, 2, 7] {
                var path: String? = "/v2/queues?limit=\(limit)"
                var walked: [String] = []
                var pages = 0
                while let next = path {
                    let reply = try await client.get(next)
                    #expect(reply.status == 200)
                    walked += self.names(reply)
                    path = reply.next
                    pages += 1
                }
                #expect(walked == queues && pages == (queues.count + limit - 1) / limit + 1)
            }
            // A marker may name what is not there; of several values the last counts, and empty ones are absent.
            #expect(try await self.names(client.get("/v2/queues?marker=q195&limit=2")) == ["q20", "q21"])
            #expect(try await self.names(client.get("/v2/queues?limit=1&limit=5,2&marker=")) == ["q10", "q11"])
        }
    }

    @Test func `A detailed listing shows what each queue shows (Q-6)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            for (name, metadata) in [("a", nil), ("b", #"{"x": [1, {"y": null}], "_default_message_ttl": 60}"#)] {
                _ = try await client.put("/v2/queues/\(name)", metadata)
            }
            for item in try await client.get("/v2/queues?detailed=True").objects("queues") {
                let shown = try await client.get(try #require(item["href"] as? String))
                #expect(shown.json as NSDictionary == item["metadata"] as? NSDictionary)
            }
        }
    }

    @Test func `Filters keep what matches and fill the page (Q-7, Q-9 to Q-12, O-31, O-35)`() async throws {
        try await withAPI { api async throws in
            let client = api.client()
            _ = try await client.put("/v2/queues/q1", #"{"test_metadata_key1": "value1"}"#)
            _ = try await client.put("/v2/queues/q2", #"{"_max_messages_post_size": 2000}"#)
            _ = try await client.put("/v2/queues/q3", #"{"test_metadata_key2": 30}"#)
            func list(_ query: String) async throws -> [String] {
                self.names(try await client.get("/v2/queues?\(query)"))
            }
            #expect(try await list("node=34") == [])
            #expect(try await list("name=q&test_metadata_key2=30") == ["q3"])
            #expect(try await list("_max_messages_post_size=2000") == ["q2"])
            #expect(try await list("_max_messages_post_size=262144") == [])
            #expect(try await list("name=q") == ["q1", "q2", "q3"])
            #expect(try await list("name=Q") == [])
            #expect(try await list("test_metadata_key1=x&test_metadata_key1=value1") == ["q1"])
            #expect(try await list("test_metadata_key1=value1&test_metadata_key2=30") == [])
            let counted = try await client.get("/v2/queues?with_count=true&name=q1")
            #expect(counted.json["count"] as? Int == 3 && self.names(counted) == ["q1"])
            #expect(counted.next == "/v2/queues?with_count=true&name=q1&marker=q1")
            // One match in the middle of many is on the first page.
            for number in 0..<120 {
                _ = try await client.put("/v2/queues/n\(1000 + number)", number == 110 ? #"{"k": "a b"}"# : nil)
            }
            let found = try await client.get("/v2/queues?limit=2&k=a+b")
            #expect(self.names(found) == ["n1110"])
            #expect(found.next == "/v2/queues?limit=2&k=a%20b&marker=n1110")
            let end = try await client.get(try #require(found.next))
            #expect(self.names(end) == [])
        }
    }

    @Test func `Projects do not see one another (Q-5, ST-41, ST-42)`() async throws {
        try await withAPI { api async throws in
            let one = api.client(project: "480924")
            let next = api.client(project: "480924.")
            let odd = api.client(project: "pr.oj:1:{x}")
            _ = try await one.put("/v2/queues/a", #"{"x": 1}"#)
            _ = try await next.put("/v2/queues/b")
            for name in ["a.b", "a", "a.messages", "queues_set"] { _ = try await odd.put("/v2/queues/\(name)") }
            #expect(try await self.names(one.get("/v2/queues")) == ["a"])
            #expect(try await self.names(next.get("/v2/queues")) == ["b"])
            #expect(try await self.names(odd.get("/v2/queues")) == ["a", "a.b", "a.messages", "queues_set"])
            #expect(try await next.get("/v2/queues/a").json["x"] == nil)
        }
    }
}
