import API
import Domain
import Foundation
import MessagePack
import NIOCore
import Operations
import Signing
import TestKit
import Testing

/// Messages over WebSocket.
struct WebSocketMessageTests {
    private func get(_ client: ActionClient, _ id: String, queue: String = "q") async throws -> ActionReply {
        try await client.call("message_get", #"{"queue_name": "\#(queue)", "message_id": "\#(id)"}"#)
    }

    private func list(_ texts: [String]) -> String { "[" + texts.map { "\"\($0)\"" }.joined(separator: ", ") + "]" }

    @Test(arguments: [false, true])
    func `W-43: What is posted is read again, in its project alone`(isBinary: Bool) async throws {
        try await withAPI { api async throws in
            let client = try await api.actions(isBinary: isBinary)
            let bodies = ["239", #"{"status": "ready", "x": 1.5}"#, #"[1, "two", null, true]"#]
            var ids: [String] = []
            for batch in [Array(bodies.prefix(1)), bodies] {
                let posted = try await client.post(batch, to: "q", ttl: 200)
                #expect(posted.count == batch.count && Set(posted).count == batch.count)
                ids = posted
            }
            let stranger = try await api.actions(isBinary: isBinary)
            for (id, body) in zip(ids, bodies) {
                let reply = try await self.get(client, id)
                let message = try #require(reply["messages"] as? [String: Any])
                #expect(reply.status == 200 && Set(message.keys) == ["id", "claim_id", "ttl", "age", "body"])
                #expect(
                    message["id"] as? String == id && message["ttl"] as? Int == 200 && message["claim_id"] is NSNull)
                #expect(try #require(message["age"] as? Int) >= 0)
                let expected = try JSONSerialization.jsonObject(with: Data(body.utf8), options: [.fragmentsAllowed])
                #expect(message["body"] as? NSObject == expected as? NSObject)
                let foreign = try await self.get(stranger, id)
                #expect(foreign.status == 404 && foreign.exception == "There is no such message.")
            }
            let many = try await client.call(
                "message_get_many", #"{"queue_name": "q", "message_ids": \#(self.list(ids))}"#)
            #expect(many.status == 200 && many.objects("messages").compactMap { $0["id"] as? String } == ids)
        }
    }

    @Test func `W-44: Ids are counted as they came`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let id = try #require(try await client.post(["1"], to: "q").first)
            for (count, status) in [(20, 200), (21, 400), (22, 400)] {
                let ids = self.list([String](repeating: id, count: count))
                let reply = try await client.call(
                    "message_get_many", #"{"queue_name": "q", "message_ids": \#(ids), "limit": 21}"#)
                #expect(reply.status == status)
                let deleted = try await client.call(
                    "message_delete_many", #"{"queue_name": "other", "message_ids": \#(ids)}"#)
                #expect(deleted.status == (status == 200 ? 204 : 400))
            }
            for ids in ["[]", "[1]", #"["a", null]"#] {
                #expect(
                    try await client.call("message_get_many", #"{"queue_name": "q", "message_ids": \#(ids)}"#).status
                        == 400)
            }
        }
    }

    @Test func `W-45: A message without a ttl has that of its queue, or an hour`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            _ = try await client.call(
                "queue_create", #"{"queue_name": "own", "metadata": {"_default_message_ttl": 90}}"#)
            for (queue, ttl) in [("q", 3600), ("own", 90)] {
                let posted = try await client.call(
                    "message_post", #"{"queue_name": "\#(queue)", "messages": [{"body": 1}]}"#)
                let id = try #require((posted["message_ids"] as? [String])?.first)
                let message = try await self.get(client, id, queue: queue)["messages"] as? [String: Any]
                #expect(message?["ttl"] as? Int == ttl)
            }
        }
    }

    @Test(
        arguments: [
            (#"[{"body": 1, "ttl": "200"}]"#, #"Bad request. The value of the "ttl" field must be a int."#),
            (#"[{"body": 1, "ttl": 200.0}]"#, #"Bad request. The value of the "ttl" field must be a int."#),
            (#"[{"body": 1, "delay": true}]"#, #"Bad request. The value of the "delay" field must be a int."#),
            (#"[{"ttl": 200}]"#, #"Bad request. Missing "body" field."#),
            (#"[{}]"#, #"Bad request. Missing "body" field."#),
            (#"[{"body": 1, "ttl": -1}]"#, nil), (#"[{"body": 1, "ttl": 59}]"#, nil),
            (#"[{"body": 1, "ttl": 1209601}]"#, nil),
            (#"[]"#, nil), (#"[1]"#, nil), (#"[{"body": 1}, null]"#, nil), (#"[{"body": 1, "delay": -1}]"#, nil),
            (#"[{"body": 1, "ttl": -9223372036854775808}]"#, nil),
        ] as [(String, String?)])
    func `W-47, W-48: A bad message is 400, with the words that clients compare`(
        messages: String, exception: String?
    ) async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let reply = try await client.call("message_post", #"{"queue_name": "q", "messages": \#(messages)}"#)
            #expect(reply.status == 400 && reply["error"] is NSNull)
            #expect(exception == nil ? reply.exception != nil : reply.exception == exception, "\(reply.text)")
            #expect(try await client.call("queue_get_stats", #"{"queue_name": "q"}"#).status == 404, "no queue is made")
        }
    }

    @Test func `A post with a key is repeated without a second message`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let headers = client.headers(["Idempotency-Key": "k-1"])
            func post(_ body: Int) async throws -> ActionReply {
                try await client.call(
                    "message_post", #"{"queue_name": "q", "messages": [{"body": \#(body)}]}"#, headers: headers)
            }
            let (first, again, other) = (try await post(1), try await post(1), try await post(2))
            #expect(first.status == 201 && again.status == 201 && other.status == 422)
            #expect(first["message_ids"] as? [String] == again["message_ids"] as? [String])
            func isReplayed(_ reply: ActionReply) -> Bool {
                (reply.document["headers"] as? [String: Any])?["Idempotent-Replayed"] as? String == "true"
            }
            #expect(!isReplayed(first) && isReplayed(again) && !isReplayed(other))
        }
    }

    @Test func `W-48: A post is measured by the bytes of its list, in either format`() async throws {
        try await withAPI { api async throws in
            for isBinary in [false, true] {
                let client = try await api.actions(isBinary: isBinary)
                func post(_ messages: String) async throws -> ActionReply {
                    try await client.call("message_post", #"{"queue_name": "q", "messages": \#(messages)}"#)
                }
                // 280,000 bytes with blanks behind colons and commas, 248,001 without.
                let each = #"{"body": "abcdefghi", "ttl": 100}"#
                let many = "[" + [String](repeating: each, count: 8000).joined(separator: ", ") + "]"
                #expect(many.utf8.count == 280_000)
                #expect(try await post(many).status == 400)
                // The whole list is as long as may be, and one byte longer.
                let bytesMax = 262_144
                let frame = #"[{"body": ""}]"#.utf8.count
                for (more, status) in [(0, 201), (1, 400)] {
                    let text = String(repeating: "x", count: bytesMax - frame + more)
                    #expect(try await post(#"[{"body": "\#(text)"}]"#).status == status)
                }
                _ = try await client.call(
                    "queue_create", #"{"queue_name": "q2", "metadata": {"_max_messages_post_size": 50}}"#)
                let small = try await client.call(
                    "message_post",
                    #"{"queue_name": "q2", "messages": [{"body": "\#(String(repeating: "x", count: 40))"}]}"#)
                #expect(small.status == 400, "a queue may take less")
            }
        }
    }

    @Test(arguments: ["null", #""[""#, #""[]""#, #""{}""#, #"".""#, "{}", "1"])
    func `W-49: Messages are an array`(messages: String) async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let reply = try await client.call("message_post", #"{"queue_name": "q", "messages": \#(messages)}"#)
            #expect(reply.status == 400)
        }
    }

    @Test func `W-49: An integer beyond 64 bits is no JSON here`() async throws {
        try await withAPI { api async throws in
            for isBinary in [false, true] {
                let client = try await api.actions()
                for number in ["9223372036854775808", "-9223372036854775809", "18446744073709551615"] {
                    let text = client.request(
                        "message_post", #"{"queue_name": "q", "messages": [{"body": {"n": \#(number)}}]}"#)
                    if isBinary {
                        // A number of MessagePack that JSON here has not, in place of one that it has.
                        let known = text.replacing(number, with: "9223372036854775807")
                        var bytes = Array(try MessagePack.bytes(of: Array(known.utf8).span).readableBytesView)
                        let head: [UInt8] = [0xCF, 0x7F] + [UInt8](repeating: 0xFF, count: 7)
                        let range = try #require(bytes.firstRange(of: head))
                        bytes[range.lowerBound + 1] = 0xFF
                        try await client.socket.send(binary: bytes)
                    } else {
                        try await client.socket.send(text: text)
                    }
                    let reply = try await client.reply()
                    #expect(reply.status == 400 && reply.error?.hasPrefix("Can't decode") == true)
                }
            }
        }
    }

    @Test(arguments: ["", "0xdeadbeef", "550893e0-2b6e-11e3-835a-5cf9dd72369", "550893e0-2b6e-11e3-835a-5cf9dd7236999"])
    func `W-50: A client is a UUID`(id: String) async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let headers = client.headers(["Client-ID": id])
            for (action, body) in [
                ("message_post", #"{"queue_name": "q", "messages": [{"body": 1}]}"#),
                ("message_list", #"{"queue_name": "q"}"#),
                ("queue_list", "{}"),
            ] {
                let reply = try await client.call(action, body, headers: headers)
                #expect(reply.status == 400 && reply.exception?.contains("Client-ID") == true)
            }
            let undashed = client.headers(["Client-ID": client.client.replacing("-", with: "")])
            #expect(try await client.call("queue_list", headers: undashed).status == 200)
        }
    }

    @Test func `W-51: Messages are deleted one by one and together, also those that are not there`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let ids = try await client.post(["1", "2", "3", "4", "5", "6"], to: "q")
            func delete(_ id: String) async throws -> ActionReply {
                try await client.call("message_delete", #"{"queue_name": "q", "message_id": "\#(id)"}"#)
            }
            let deleted = try await delete(ids[0])
            #expect(deleted.status == 204 && deleted.body.isEmpty)
            #expect(try await self.get(client, ids[0]).status == 404)
            #expect(try await delete(ids[0]).status == 204)
            #expect(try await delete("no id").status == 204)
            let many = #"{"queue_name": "q", "message_ids": \#(self.list(Array(ids.dropFirst())))}"#
            for action in ["message_delete_many", "message_delete_many", "queue_delete", "message_delete_many"] {
                #expect(try await client.call(action, many).status == 204)
            }
            #expect(try await self.get(client, ids[1]).status == 404)
            for body in [
                "", #", "message_ids": [], "pop": null"#, #", "message_ids": ["a"], "pop": 1"#, #", "pop": 0"#,
                #", "pop": 21"#,
            ] {
                #expect(try await client.call("message_delete_many", #"{"queue_name": "q"\#(body)}"#).status == 400)
            }
        }
    }

    @Test func `W-52: A queue that is not there lists nothing`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let listed = try await client.call("message_list", #"{"queue_name": "absent"}"#)
            #expect(listed.status == 200 && listed.objects("messages").isEmpty && listed.body.count == 1)
            #expect(
                try await client.call("message_get_many", #"{"queue_name": "absent", "message_ids": ["x"]}"#).status
                    == 200)
        }
    }

    @Test func `W-53: Messages are popped with their bodies, and unknown ids find nothing`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let ids = try await client.post(["1", "2", "3", "4", "5"], to: "q")
            let popped = try await client.call("message_delete_many", #"{"queue_name": "q", "pop": 2}"#)
            let messages = popped.objects("messages")
            #expect(popped.status == 200 && messages.compactMap { $0["body"] as? Int } == [1, 2])
            #expect(messages.compactMap { $0["id"] as? String } == Array(ids.prefix(2)))
            #expect(messages.allSatisfy { $0["claim_count"] as? Int == 0 && $0["claim_id"] is NSNull })
            #expect(try await self.get(client, "unknown").status == 404)
            let unknown = try await client.call("message_get_many", #"{"queue_name": "q", "message_ids": ["unknown"]}"#)
            #expect(unknown.status == 200 && unknown.objects("messages").isEmpty)
            let empty = try await client.call("message_delete_many", #"{"queue_name": "absent", "pop": 2}"#)
            #expect(empty.status == 200 && empty.objects("messages").isEmpty)
        }
    }

    @Test func `Pages of messages follow each other by the last id`() async throws {
        try await withAPI { api async throws in
            let (writer, reader) = (try await api.actions(project: "p"), try await api.actions(project: "p"))
            let ids = try await writer.post((0..<12).map(String.init), to: "q")
            var found: [String] = []
            while true {
                let marker = found.last.map { #", "marker": "\#($0)""# } ?? ""
                let page = try await reader.call("message_list", #"{"queue_name": "q", "limit": 5\#(marker)}"#)
                let part = page.objects("messages").compactMap { $0["id"] as? String }
                if part.isEmpty { break }
                found += part
            }
            #expect(found == ids)
            #expect(try await writer.call("message_list", #"{"queue_name": "q"}"#).objects("messages").isEmpty)
            #expect(
                try await writer.call("message_list", #"{"queue_name": "q", "echo": true}"#).objects("messages").count
                    == 10)
            #expect(try await writer.call("message_list", #"{"queue_name": "q", "limit": 21}"#).status == 400)
        }
    }

    @Test func `Delays, encryption and checksums of a queue hold as over REST`() async throws {
        var options = APIOptions()
        options.checksum = BodyChecksum()
        try await withAPI(options: options) { api async throws in
            let client = try await api.actions()
            _ = try await client.call(
                "queue_create", #"{"queue_name": "q", "metadata": {"_enable_encrypt_messages": true}}"#)
            let posted = try await client.call(
                "message_post",
                #"{"queue_name": "q", "messages": [{"body": {"secret": 1}, "delay": 600, "ttl": 3600}]}"#)
            #expect(posted.status == 201)
            func count(_ more: String) async throws -> Int {
                try await client.call("message_list", #"{"queue_name": "q", "echo": true\#(more)}"#).objects("messages")
                    .count
            }
            #expect(try await count("") == 0)
            #expect(try await count(#", "include_delayed": true"#) == 1)
            let id = try #require((posted["message_ids"] as? [String])?.first)
            let rest = try await api.client(project: client.project).get("/v2/queues/q/messages/\(id)")
            let message = try #require(try await self.get(client, id)["messages"] as? [String: Any])
            #expect(message["checksum"] as? String == rest.json["checksum"] as? String && message["checksum"] is String)
            #expect(message["body"] as? NSDictionary == ["secret": 1])
        }
    }
}
