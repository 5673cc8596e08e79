import API
import Foundation
import MessagePack
import NIOCore
import TestKit
import Testing

/// Messages, and how they are answered, before any action.
struct WebSocketEnvelopeTests {
    private static let undecoded = #"{"action": null, "api": "v2", "body": {}, "headers": {}}"#

    @Test func `W-1, W-14: A text that is no JSON object is answered with 400`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            for text in ["\u{FEFF}", "123", "foo", "", "[]", "null", "{", #"{"action": 1}x"#, "9223372036854775808"] {
                try await client.socket.send(text: text)
                let reply = try await client.reply()
                #expect(reply.status == 400 && !reply.isBinary && reply.error != nil, "\(text)")
                #expect(
                    reply.request as NSDictionary
                        == (try JSONSerialization.jsonObject(with: Data(Self.undecoded.utf8)) as? NSDictionary))
                #expect(reply.document["headers"] as? NSDictionary == ["status": 400])
                let isDecoded = ["123", "[]", "null"].contains(text)
                #expect(
                    reply.error?.hasPrefix(
                        isDecoded ? "Unexpected body type. Expected dict" : "Can't decode text (JSON)")
                        == true, "\(text): \(reply.text)")
            }
            #expect(try await client.call("queue_list").status == 200, "the connection goes on")
        }
    }

    @Test func `W-2, W-3: Bytes that are no map are answered with 400, in MessagePack`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let rows: [([UInt8], String)] = [
                (Array("123".utf8), "Can't decode binary (MessagePack) request."), ([], "Can't decode binary"),
                ([0xC1], "Can't decode binary"), ([0xDF, 0xFF, 0xFF, 0xFF, 0xFF], "Can't decode binary"),
                ([0xDB, 0x7F, 0xFF, 0xFF, 0xFF, 0x61], "Can't decode binary"),
                ([0x81, 0x01, 0x01], "Can't decode binary"),
                ([UInt8](repeating: 0x91, count: 500_000), "Can't decode binary"),
                ([0xCF] + [UInt8](repeating: 0xFF, count: 8), "Can't decode binary"),
                ([0xA3] + Array("abc".utf8), "Unexpected body type. Expected dict"),
                ([0x31], "Unexpected body type. Expected dict"), ([0x90], "Unexpected body type. Expected dict"),
            ]
            for (bytes, error) in rows {
                try await client.socket.send(binary: bytes)
                let reply = try await client.reply()
                #expect(reply.status == 400 && reply.isBinary && reply.error?.hasPrefix(error) == true, "\(reply.text)")
            }
            var binary = client
            binary.isBinary = true
            let unknown = try await binary.call("queue_glorify")
            #expect(unknown.status == 400 && unknown.isBinary && unknown.error == "queue_glorify is not a valid action")
        }
    }

    @Test func `W-4: An answer has the format of its request, on one connection`() async throws {
        try await withAPI { api async throws in
            let text = try await api.actions()
            var binary = text
            binary.isBinary = true
            for client in [text, binary, text, binary] {
                let reply = try await client.call("queue_get", #"{"queue_name": "absent"}"#)
                #expect(reply.status == 200 && reply.isBinary == client.isBinary)
                #expect(reply.body.isEmpty && reply.document["body"] is NSDictionary)
            }
        }
    }

    @Test(arguments: [
        (#"{"action": "queue_glorify"}"#, "queue_glorify is not a valid action"),
        (#"{"action": {"a": [1]}}"#, #"{"a": [1]} is not a valid action"#),
        (#"{"action": null}"#, "null is not a valid action"),
        (#"{}"#, "null is not a valid action"), (#"{"action": 1}"#, "1 is not a valid action"),
        (#"{"action": ""}"#, " is not a valid action"),
        (#"{"action": "get_home_doc"}"#, "get_home_doc is not a valid action"),
        (#"{"action": "ping_node"}"#, "ping_node is not a valid action"),
        (#"{"action": "pool_list"}"#, "pool_list is not a valid action"),
        (#"{"action": "flavor_create"}"#, "flavor_create is not a valid action"),
        (#"{"action": "queue_list"}"#, "Schema validation failed."),
        (#"{"action": "queue_list", "headers": []}"#, "Schema validation failed."),
        (#"{"action": "queue_list", "headers": {"Client-ID": "c"}}"#, "Schema validation failed."),
        (#"{"action": "queue_list", "headers": {"X-Project-ID": "p"}}"#, "Schema validation failed."),
        (#"{"action": "queue_list", "headers": {"client-id": "c", "X-Project-ID": "p"}}"#, "Schema validation failed."),
        (#"{"action": "queue_list", "headers": {"Client-ID": 1, "X-Project-ID": "p"}}"#, "Schema validation failed."),
        (
            #"{"action": "queue_list", "headers": {"Client-ID": "c", "X-Project-ID": null}}"#,
            "Schema validation failed."
        ),
        (
            #"{"action": "queue_list", "headers": {"Client-ID": "c", "X-Project-ID": "p", "URL-Methods": 1}}"#,
            "Schema validation failed."
        ),
        (
            #"{"action": "queue_list", "headers": {"Client-ID": "c", "X-Project-ID": "p", "URL-Paths": [1]}}"#,
            "Schema validation failed."
        ),
        (#"{"action": "authenticate", "headers": {"X-Project-ID": "p"}}"#, "Schema validation failed."),
        (#"{"action": "authenticate", "headers": {"X-Auth-Token": "t"}}"#, "Schema validation failed."),
    ])
    func `The action, then its headers, are checked before anything else`(text: String, error: String) async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            try await client.socket.send(text: text)
            let reply = try await client.reply()
            #expect(reply.status == 400 && reply.error == error, "\(reply.text)")
            #expect(reply.body.count == 1)
        }
    }

    @Test func `Members of a body have the types of their action, and unknown ones are ignored`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let bad: [(String, String)] = [
                ("queue_create", "{}"), ("queue_create", #"{"queue_name": 1}"#),
                ("queue_create", #"{"queue_name": null}"#),
                ("queue_create", "[]"), ("queue_create", #""q""#), ("queue_list", "[]"), ("queue_list", "1"),
                ("queue_list", #"{"limit": "1"}"#), ("queue_list", #"{"limit": 1.0}"#),
                ("queue_list", #"{"limit": true}"#),
                ("queue_list", #"{"detailed": 1}"#), ("queue_list", #"{"marker": 1}"#),
                ("message_list", #"{"queue_name": "q", "echo": "true"}"#), ("message_get", #"{"queue_name": "q"}"#),
                ("message_get", #"{"queue_name": "q", "message_ids": []}"#),
                ("message_get_many", #"{"queue_name": "q", "message_ids": "x"}"#),
                ("message_delete", #"{"queue_name": "q", "message_ids": []}"#),
                ("message_delete_many", #"{"queue_name": "q", "pop": "1"}"#),
                ("claim_update", #"{"queue_name": "q"}"#), ("claim_create", #"{"queue_name": "q", "ttl": "60"}"#),
                ("subscription_create", #"{"queue_name": "q", "options": "{}"}"#),
                ("subscription_create", #"{"queue_name": "q", "subscriber": 1}"#),
                ("subscription_get", #"{"queue_name": "q"}"#),
                ("queue_purge", #"{"queue_name": "q", "resource_types": "messages"}"#),
            ]
            for (action, body) in bad {
                let reply = try await client.call(action, body)
                #expect(
                    reply.status == 400 && reply.error == "Schema validation failed.", "\(action) \(body) \(reply.text)"
                )
            }
            let good: [(String, String?)] = [
                ("queue_list", nil), ("queue_list", "null"), ("queue_list", "{}"),
                ("queue_list", #"{"limit": null, "x": [{}]}"#),
                ("queue_create", #"{"queue_name": "q", "limit": 21, "detailed": "x", "metadata": null}"#),
                ("claim_create", #"{"queue_name": "q", "ttl": null, "grace": null}"#),
            ]
            for (action, body) in good {
                let reply = try await client.call(action, body)
                #expect([200, 201, 204].contains(reply.status), "\(action) \(body ?? "") \(reply.text)")
            }
        }
    }

    @Test func `A request is repeated as it was sent`() async throws {
        try await withAPI { api async throws in
            let client = try await api.actions()
            let headers = client.headers(["X-Auth-Token": "secret", "Other": "é"])
            let body = #"{"queue_name": "q", "metadata": {"a": [1.50, "\u00e9", {"b": null}]}, "x": 10e2}"#
            let reply = try await client.call("queue_create", body, headers: headers)
            #expect(reply.status == 201)
            #expect(
                reply.text
                    == #"{"request":{"action":"queue_create","body":\#(body),"headers":\#(headers),"api":"v2"},"body":"Queue q created.","headers":{"status":201,"Herald-Unrecognized":"x"}}"#
            )
        }
    }

    @Test func `Without authentication every identity is fine, and its token is not repeated`() async throws {
        try await withAPI { api async throws in
            for isBinary in [false, true] {
                let client = try await api.actions(isBinary: isBinary)
                let reply = try await client.call(
                    "authenticate", #"{"a": 1}"#, headers: client.headers(["X-Auth-Token": "secret"]))
                #expect(
                    try reply.equals(
                        #"{"request": {"action": "authenticate", "body": {}, "headers": {}, "api": "v2"}, "body": {"message": "Authentified."}, "headers": {"status": 200}}"#
                    ))
                #expect(reply.isBinary == isBinary)
                let refused = try await client.call("authenticate", headers: #"{"X-Auth-Token": "secret"}"#)
                #expect(refused.status == 400 && !refused.text.contains("secret"))
            }
        }
    }

    @Test func `Answers keep the order of their requests, and connections do not wait for each other`() async throws {
        try await withAPI { api async throws in
            let (one, other) = (try await api.actions(), try await api.actions())
            try await api.redis.command("CLIENT", "PAUSE", "60000", "WRITE")
            try await one.send(one.request("queue_create", #"{"queue_name": "slow"}"#))
            for index in 0..<20 { try await one.send(one.request("queue_list", #"{"x": \#(index)}"#)) }
            // Another connection is answered meanwhile, as far as it does not take the store.
            for _ in 0..<5 { #expect(try await other.call("queue_glorify").status == 400) }
            #expect(one.socket.waiting == 0)
            try await api.redis.command("CLIENT", "UNPAUSE")
            #expect(try await one.reply().request["action"] as? String == "queue_create")
            for index in 0..<20 {
                #expect((try await one.reply().request["body"] as? [String: Any])?["x"] as? Int == index)
            }
        }
    }
}

struct WebSocketEnvelopeFuzzTests {
    @Test(.timeLimit(.minutes(60))) func `Any message is answered, and never with a fault of ours`() async throws {
        var fuzzer = Fuzzer(
            "websocket-envelopes",
            corpus: [
                #"{"action": "message_post", "headers": {"Client-ID": "3381af922b9e11e3b19171861300734c", "X-Project-ID": "p"}, "body": {"queue_name": "q", "messages": [{"body": {"a": 1}, "ttl": 60}]}}"#,
                #"{"action": "queue_list", "headers": {"Client-ID": "3381af922b9e11e3b19171861300734c", "X-Project-ID": "p"}, "body": {"limit": 5, "marker": "a"}}"#,
                #"{"action": "claim_create", "headers": {"Client-ID": "3381af922b9e11e3b19171861300734c", "X-Project-ID": "p"}, "body": {"queue_name": "q", "ttl": 60}}"#,
                #"{"action": "message_list", "headers": {"Client-ID": "3381af922b9e11e3b19171861300734c", "X-Project-ID": "p", "URL-Signature": "a", "URL-Paths": ["/v2"], "URL-Methods": "GET", "URL-Expires": "2026-01-01T00:00:00"}, "body": {"queue_name": "q"}}"#,
                #"{"action": "authenticate", "headers": {"X-Auth-Token": "t", "X-Project-ID": "p"}}"#,
            ],
            tokens: [
                "{", "}", "[", "]", "null", "\"", ",", ":", "é", "\u{0}", "true", "\"action\"", "\"body\"", "{}", "[]",
            ],
            rounds: 1500)
        let origin = fuzzer.origin
        try await withAPI(signedURLKeys: ["key"]) { api async throws in
            let client = try await api.actions()
            try await fuzzer.run { (bytes: [UInt8]) async throws in
                let text = String(decoding: bytes, as: UTF8.self)
                try await client.socket.send(text: text)
                let reply = try await client.reply()
                #expect([200, 201, 204, 400, 403, 404, 409].contains(reply.status), "\(origin): \(text) \(reply.text)")
                guard let binary = try? MessagePack.bytes(of: bytes.span) else { return }
                try await client.socket.send(binary: Array(binary.readableBytesView))
                let other = try await client.reply()
                #expect(
                    other.isBinary && [200, 201, 204, 400, 403, 404, 409].contains(other.status), "\(origin): \(text)")
            }
        }
    }
}
