import API
import Domain
import TestKit
import Testing

/// Requests of hostile clients: each is answered, none by a failure, and the next request is served as usual.
struct HostileRequestTests {
    private static let values: [String] = [
        "", "0", "-1", "1", "20", "21", "99999999999999999999", "9223372036854775807", "-9223372036854775808", "1e3",
        "%2B7",
        "0x10", "true", "null", "%00", "%FF%FE", "%C3%28", "..", ".", "%2e%2e", "a%2Fb", "*", "'", "%F0%9F%92%A9",
        "\u{E9}", "e\u{301}", "\u{212A}", String(repeating: "z", count: 300), "00000000000000000000000000000000000",
        "zzzzzzzzzzzzzzzzzzzzzzzzzzz", "zzzzzzzzzzz0123456789abcdef.zzzzzzzzzzzzzzzzzzzzzzzzzzz",
        "99999999999999999999.zzz.zzz", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+23:59", "-0001-01-01",
    ]
    private static let names = [
        "limit", "marker", "echo", "include_claimed", "include_delayed", "ids", "pop", "claim_id", "claim_ids",
        "detailed",
        "name", "with_count", "since", "until", "subscription", "reason", "max_per_second", "ttl", "force", "%FF", "",
    ]
    private static let numbers = [
        "0", "-1", "59", "60", "1209600", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e400",
        "253402300799", "253402300800", "1.5", "-0", "null", "true", #""60""#, "[]", "{}",
    ]
    private static let bodies = [
        "", "{}", "[]", "null", "[[[[", String(repeating: "[", count: 200), #"{"a":"\uD800"}"#, "\u{FEFF}{}",
        #"{"messages":[{"body":1,"ttl":#,"delay":#}]}"#, #"{"messages":[{"body":#}]}"#, #"{"messages":#}"#,
        #"{"ttl":#,"grace":#,"limit":#}"#, #"{"subscriber":"http://a/","ttl":#,"options":#}"#,
        ##"{"subscriber":"http://\u0000/","options":{"_retry_policy":{"minimum_delay":#,"maximum_delay":#}}}"##,
        #"{"subscriber":"http://b/","options":{"_ordered":#,"_rate_limit":#,"post_headers":#}}"#,
        #"{"_max_messages_post_size":#,"_default_message_ttl":#,"_default_message_delay":#,"_max_claim_count":#}"#,
        #"{"_dead_letter_queue":#,"_dead_letter_queue_messages_ttl":#}"#, #"{"confirmed":#}"#, #"{"overlap":#}"#,
        #"{"resource_types":#}"#, #"{"ids":[#,#],"max_per_second":#}"#, #"{"since":#,"until":#,"marker":#}"#,
        #"{"paths":#,"methods":["GET"],"expires":#}"#, #"[{"op":"add","path":"/metadata/a","value":#}]"#,
        #"{"uri":#,"weight":#,"flavor":#,"options":#}"#, #"{"pool_list":#}"#, #"{"body":#,"ttl":#}"#,
    ]

    /// A path of the API with one of the values, or a good name, in each of its places.
    private func path(_ random: inout SeededGenerator) -> String {
        let template = RouteTable.paths.randomElement(using: &random)?.template ?? "/"
        let parts = template.split(separator: "/", omittingEmptySubsequences: false).map { part in
            guard part.hasPrefix("{") else { return String(part) }
            return Bool.random(using: &random) ? "q" : Self.values.randomElement(using: &random) ?? "q"
        }
        var query: [String] = []
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let name = Self.names.randomElement(using: &random) ?? "limit"
            query.append("\(name)=\(Self.values.randomElement(using: &random) ?? "")")
        }
        return parts.joined(separator: "/") + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    }

    private func body(_ random: inout SeededGenerator) -> String {
        let template = Self.bodies.randomElement(using: &random) ?? ""
        return template.split(separator: "#", omittingEmptySubsequences: false).map(String.init).reduce("") {
            text, part in
            text.isEmpty ? part : text + (Self.numbers.randomElement(using: &random) ?? "0") + part
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `Whatever a request holds, it is answered, and as the caller's fault if it is one`(seed: UInt64) async throws {
        var rules = AccessRules()
        rules.hasAdministration = true
        rules.clients = .any(characters: 1...300)
        rules.cors.origins = ["*"]
        let known: Set<Int> = [200, 201, 202, 204, 300, 400, 403, 404, 405, 406, 409, 415]
        try await withAPI(signedURLKeys: ["a key of sixteen and more characters"], rules: rules) { api async throws in
            var random = SeededGenerator(seed: seed)
            let caller = HTTPCaller(api.address)
            for round in 0..<600 {
                let method =
                    ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"].randomElement(using: &random) ?? "GET"
                var headers = [("Client-ID", "c"), ("X-Project-Id", "p"), ("X-Roles", "admin")]
                if method == "PATCH" {
                    headers.append(("Content-Type", "application/openstack-messaging-v2.0-json-patch"))
                }
                if Bool.random(using: &random) {
                    let name =
                        ["Accept", "Origin", "X-Roles", "URL-Signature", "URL-Expires", "URL-Paths", "X-Project-Id"]
                        .randomElement(using: &random) ?? "Accept"
                    let value = Self.values.filter { !$0.utf8.contains(0) }.randomElement(using: &random) ?? ""
                    headers.append((name, value))
                }
                let (path, body) = (self.path(&random), method == "GET" ? nil : self.body(&random))
                // What is no JSON has no end.
                if path.contains("/stream") { headers.append(("Accept", "application/json")) }
                let reply = try await caller.send(method, path, headers: headers, body: body)
                #expect(
                    known.contains(reply.status),
                    "seed \(seed) round \(round): \(method) \(path) \(headers) \(body ?? "") -> \(reply)")
            }
            let after = api.client()
            #expect(try await after.postMessages(["1"], to: "after").count == 1)
            #expect(try await after.get("/v2/queues/after/messages?echo=true").objects("messages").count == 1)
        }
    }

    @Test func `Answers do not grow with what a caller sends`() async throws {
        var rules = AccessRules()
        rules.hasAdministration = true
        rules.cors.origins = ["*"]
        rules.cors.headersAllowed = ["a"]
        try await withAPI(rules: rules) { api async throws in
            let client = api.client()
            let long = String(repeating: "a,", count: 7000)
            let requests: [(String, String, [(String, String)])] = [
                ("GET", "/v2/queues?x=\(String(repeating: "%20", count: 5000))", []),
                ("GET", "/v2/queues?x=\(String(repeating: "\u{E9}", count: 5000))", []),
                ("GET", "/v2/queues/q/dead_letters?since=\(String(repeating: "\u{E9}", count: 5000))", []),
                ("GET", "/v2/flavors?x=\(String(repeating: "y", count: 8000))", []),
                ("GET", "/v2/queues", [("Origin", long)]),
                (
                    "OPTIONS", "/v2/queues",
                    [
                        ("Origin", "https://a"), ("Access-Control-Request-Method", "GET"),
                        ("Access-Control-Request-Headers", long),
                    ]
                ),
            ]
            for (method, path, headers) in requests {
                let reply = try await client.send(method, path, headers: headers)
                let bytes = reply.headers.reduce(reply.body.count) { $0 + $1.name.utf8.count + $1.value.utf8.count }
                #expect(bytes < 8192, "\(method) \(path.prefix(40)): \(bytes) bytes")
            }
        }
    }
}
