import API
import Foundation
import HTTPServer
import TestKit
import Testing

/// Names that are taken and mean nothing.
struct UnrecognizedTests {
    private struct Row: Sendable {
        let method: String
        let path: String
        let body: String?
        let names: String?
        var status = 201

        init(_ method: String, _ path: String, _ body: String?, _ names: String?, status: Int = 201) {
            (self.method, self.path, self.body, self.names, self.status) = (method, path, body, names, status)
        }
    }

    private static let queue = "/v2/queues/q"
    private static let rows = [
        Row("PUT", queue, #"{"_max_claim_cuont": 3, "team": "a", "_max_claim_count": 3}"#, "_max_claim_cuont"),
        Row(
            "PUT", queue, #"{"_retry_policy": {"minimum_delay": 1, "foo": 1, "schedul": []}}"#,
            "_retry_policy.foo,_retry_policy.schedul"),
        Row(
            "PUT", queue,
            #"{"_default_message_ttl": 60, "_default_message_delay": 1, "_max_messages_post_size": 9, "_dead_letter_queue": "d", "#
                + #""_dead_letter_queue_messages_ttl": 60, "_enable_encrypt_messages": true, "_durability": "memory", "_email": {}, "#
                + #""_retry_policy": {"ignore_subscription_override": true, "retries_with_no_delay": 1}, "_flavor": "f"}"#,
            nil),
        Row("PUT", "/v2/topics/t", #"{"_default_message_ttl": 60, "_max_claim_count": 3}"#, "_max_claim_count"),
        Row("PUT", queue + "?limt=3", "{}", "limt"),
        Row(
            "POST", queue + "/subscriptions",
            #"{"subscriber": "http://a", "options": {"_orderd": true, "_ordered": true, "_filter": {"a": [1]}, "_no_end": true, "b": 1}}"#,
            "_orderd"),
        Row(
            "POST", queue + "/subscriptions",
            #"{"subscriber": "http://a", "options": {"_final_statuses": [], "_disable_on_gone": true, "_rate_limit": {"max_per_second": 1}, "_email": {}, "post_data": "", "_ack": null}}"#,
            nil),
        Row(
            "GET", queue + "/messages?echo=true&limit=1&include_claimed=true&include_delayed=true&wait=0&marker=", nil,
            nil, status: 200),
        Row("GET", queue + "/messages?ecko=true&a%20b=1&limit=1&ecko=2", nil, "ecko,a%20b", status: 200),
        Row("GET", "/v2/queues?team=a&_x=1&limit=1", nil, nil, status: 200),
        Row("DELETE", queue + "/messages?pop=1&popp=1", nil, "popp", status: 200),
        Row(
            "GET", queue + "/stats?a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1&j=1&k=1&l=1", nil, "a,b,c,d,e,f,g,h,i,j",
            status: 200),
        Row("GET", queue + "/stats?" + String(repeating: "x", count: 600) + "=1", nil, "...", status: 200),
        Row(
            "GET",
            queue + "/stats?" + String(repeating: "x", count: 500) + "=1&" + String(repeating: "y", count: 20) + "=1",
            nil, String(repeating: "x", count: 500), status: 200),
        // Gateways of mail add to links.
        Row("GET", "/unsubscribe?token=x&utm_source=mail", nil, nil, status: 404),
    ]

    @Test(arguments: rows.indices)
    func `A name that means nothing is taken, and shown`(index: Int) async throws {
        let row = Self.rows[index]
        try await withAPI { api async throws in
            let client = api.client()
            if row.method != "PUT" { _ = try await client.put(Self.queue) }
            let reply = try await client.send(row.method, row.path, row.body)
            #expect(reply.status == row.status && reply["Herald-Unrecognized"] == row.names, "\(reply.text)")
        }
    }

    @Test(arguments: rows.indices)
    func `Where the deployment is strict it is refused, and nothing is stored`(index: Int) async throws {
        let row = Self.rows[index]
        var rules = AccessRules()
        rules.isStrict = true
        try await withAPI(rules: rules) { api async throws in
            let client = api.client()
            if row.method != "PUT" { _ = try await client.put(Self.queue) }
            let reply = try await client.send(row.method, row.path, row.body)
            #expect(reply.status == (row.names == nil ? row.status : 400) && reply["Herald-Unrecognized"] == nil)
            guard row.names != nil else { return }
            #expect(reply.text.contains("mean nothing"))
            let queues = try await client.get("/v2/queues").objects("queues")
            #expect(queues.count == (row.method == "PUT" ? 0 : 1))
        }
    }

    private static let actions: [(action: String, body: String, names: String?)] = [
        (
            "queue_create",
            #"{"queue_name": "q", "metadata": {"_max_claim_cuont": 3, "team": 1, "_retry_policy": {"foo": 1}}}"#,
            "_max_claim_cuont,_retry_policy.foo"
        ),
        ("queue_create", #"{"queue_name": "q", "metadata": {"_durability": "memory"}}"#, nil),
        ("message_list", #"{"queue_name": "q", "limt": 1, "echo": true}"#, "limt"),
        ("message_post", #"{"queue_name": "q", "messages": [{"body": {"_x": 1}}]}"#, nil),
        (
            "subscription_create",
            #"{"queue_name": "q", "subscriber": "http://a", "options": {"_orderd": true, "_no_end": true}}"#,
            "_orderd"
        ),
        (
            "subscription_create",
            #"{"queue_name": "q", "options": {"_ack": true, "_akc": true}, "subscribre": "http://a"}"#,
            "subscribre,_akc"
        ),
    ]

    @Test(arguments: actions.indices)
    func `Over WebSocket it is taken and shown, and where the deployment is strict refused`(index: Int) async throws {
        let row = Self.actions[index]
        for isStrict in [false, true] {
            var rules = AccessRules()
            rules.isStrict = isStrict
            try await withAPI(rules: rules) { api async throws in
                let client = try await api.actions()
                let reply = try await client.call(row.action, row.body)
                let isRefused = isStrict && row.names != nil
                #expect(isRefused ? reply.status == 400 : (200..<300).contains(reply.status), "\(reply.text)")
                #expect(
                    (reply.document["headers"] as? [String: Any])?["Herald-Unrecognized"] as? String
                        == (isRefused ? nil : row.names))
                guard isRefused else { return }
                #expect(reply.exception?.contains("mean nothing") == true)
                let queues = try await client.call("queue_list")
                #expect((queues["queues"] as? [Any])?.isEmpty == true)
            }
        }
    }

    @Test func `A change of metadata is looked at too, and a pre-signed URL is not`() async throws {
        let key = "a-key-of-enough-characters"
        try await withAPI(signedURLKeys: [key]) { api async throws in
            let client = api.client()
            _ = try await client.put(Self.queue)
            let patch =
                #"[{"op": "add", "path": "/metadata/_durabilty", "value": 1}, {"op": "add", "path": "/metadata/_retry_policy", "value": {"foo": 1}}]"#
            let patched = try await client.send(
                "PATCH", Self.queue, patch,
                headers: [("Content-Type", "application/openstack-messaging-v2.0-json-patch")])
            #expect(patched["Herald-Unrecognized"] == "_durabilty,_retry_policy.foo")
            let share = try await client.post(Self.queue + "/share", #"{"paths": ["messages"], "methods": ["GET"]}"#)
                .json
            let members = ["signature", "expires", "project"].compactMap { name in
                (share[name] as? String).map { "\(name)=\($0.replacing("+", with: "%2B"))" }
            }
            let query = (members + ["methods=GET", "paths=\(Self.queue)/messages", "limt=1"]).joined(separator: "&")
            let caller = HTTPCaller(api.address)
            let signed = try await caller.send("GET", "\(Self.queue)/messages?\(query)")
            await caller.close()
            #expect(signed.status == 200 && signed["Herald-Unrecognized"] == "limt", "\(signed.text)")
        }
    }

    @Test func `The document of the API and the routes know the same parameters`() async throws {
        try await withAPI { api async throws in self.check(try await api.client().get("/v2/openapi.json").json) }
    }

    private func check(_ document: [String: Any]) {
        let shared = (document["components"] as? [String: Any])?["parameters"] as? [String: [String: Any]] ?? [:]
        func names(_ list: Any?) -> Set<String> {
            Set(
                (list as? [[String: Any]] ?? []).compactMap { parameter in
                    let reference = (parameter["$ref"] as? String)?.split(separator: "/").last.map(String.init)
                    let known = reference.flatMap { shared[$0] } ?? parameter
                    return known["in"] as? String == "query" ? known["name"] as? String : nil
                })
        }
        for route in RouteTable.routes {
            guard let known = route.queryNames,
                let path = (document["paths"] as? [String: Any])?[route.template] as? [String: Any],
                let operation = path[route.method.rawValue.lowercased()] as? [String: Any]
            else { continue }
            #expect(
                known == names(operation["parameters"]).union(names(path["parameters"])),
                "\(route.method) \(route.template)")
        }
    }
}
