import API
import Domain
import Signing
import TestKit
import Testing

/// Requests with the four headers of a pre-signed URL instead of trust.
struct SignedAccessTests {
    private let path = "/v2/queues/shared_queue/messages"
    private let expires = "2100-01-01T00:00:00"

    private func headers(
        key: String = "new", methods: String = "GET,POST", paths: String? = nil, expires: String? = nil,
        project: String = "p",
        signature change: (String) -> String = { $0 }
    ) throws -> [(String, String)] {
        let paths = paths ?? self.path
        let url = SignedURL(
            paths: paths.split(separator: ",").map(String.init),
            methods: methods.split(separator: ",").map(String.init),
            project: project, expiry: try #require(SignedURLExpiry(expires ?? self.expires)))
        return [
            ("URL-Signature", change(url.signature(key: try #require(SignedURLKey(key))))), ("URL-Methods", methods),
            ("URL-Paths", paths), ("URL-Expires", expires ?? self.expires), ("X-Project-Id", project),
            ("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c"),
        ]
    }

    @Test func `A good signature opens the signed paths and methods, with any current key (U-4, U-5, U-9)`()
        async throws
    {
        try await withAPI(signedURLKeys: ["new", "old"]) { api async throws in
            let caller = HTTPCaller(api.address)
            let body = #"{"messages":[{"body":1}]}"#
            for key in ["new", "old"] {
                let posted = try await caller.send("POST", self.path, headers: try self.headers(key: key), body: body)
                #expect(posted.status == 201)
                let resource = try #require((posted.json["resources"] as? [String])?.first)
                #expect(try await caller.send("GET", resource, headers: self.headers(key: key)).status == 200)
                #expect(
                    try await caller.send("GET", "\(self.path)?echo=1", headers: try self.headers(key: key)).status
                        == 200)
            }
            let reordered = try self.headers(methods: "POST,GET", paths: "/v2/queues/shared_queue/claims,\(self.path)")
            #expect(try await caller.send("GET", self.path, headers: reordered).status == 200)
            for expires in ["2100-01-01T00:00:00Z", "2100-01-01 02:00:00+02:00"] {
                #expect(
                    try await caller.send("GET", self.path, headers: try self.headers(expires: expires)).status == 200)
            }
            // The other checks still hold.
            let unsigned = try self.headers().dropLast()
            #expect(try await caller.send("GET", self.path, headers: Array(unsigned)).title == "Missing header value")
        }
    }

    @Test func `Anything else is an unknown path, before every other check (U-6 to U-8, O-2, O-4)`() async throws {
        try await withAPI(signedURLKeys: ["new"]) { api async throws in
            let caller = HTTPCaller(api.address)
            func replaced(_ name: String, _ value: String?) throws -> [(String, String)] {
                try self.headers().filter { $0.0 != name } + (value.map { [(name, $0)] } ?? [])
            }
            let rows: [(String, String, [(String, String)])] = [
                ("GET", self.path, try replaced("URL-Expires", "wrong date format")),
                ("GET", self.path, try replaced("URL-Expires", nil)),
                ("GET", self.path, try replaced("URL-Expires", "2099-01-01")),
                ("GET", self.path, try replaced("URL-Methods", "")),
                ("GET", self.path, try replaced("URL-Methods", "nothing here")),
                ("GET", self.path, try replaced("URL-Methods", "POST,PUT")),
                ("GET", self.path, try replaced("URL-Methods", nil)),
                (
                    "GET", self.path,
                    try replaced(
                        "URL-Paths", Array("/queues/shared_queue/claims").map(String.init).joined(separator: ","))
                ),
                ("GET", self.path, try replaced("X-Project-Id", "q")),
                ("GET", self.path, try replaced("URL-Signature", "")),
                ("GET", self.path, try self.headers { String($0.dropLast()) }),
                ("GET", self.path, try self.headers { $0.uppercased() }),
                ("GET", self.path, try self.headers(key: "other")),
                ("GET", self.path, try self.headers(expires: "2001-01-01T00:00:00")),
                ("PUT", "/v2/queues/shared_queue", try self.headers()), ("DELETE", self.path, try self.headers()),
                ("GET", "/v2/queues/shared_queue/subscriptions", try self.headers()), ("GET", "/", try self.headers()),
                ("GET", "/v2/queues/shared%5Fqueue/messages", try self.headers()),
                ("GET", self.path, [("URL-Signature", ""), ("Accept", "application/xml")]),
            ]
            for (method, path, headers) in rows {
                let reply = try await caller.send(method, path, headers: headers)
                #expect(
                    reply.status == 404 && reply.text == #"{"title":"404 Not Found"}"#, "\(method) \(path) \(headers)")
            }
        }
    }

    @Test func `Without a key no signature is good`() async throws {
        try await withAPI { api async throws in
            let headers = try self.headers()
            #expect(try await HTTPCaller(api.address).send("GET", self.path, headers: headers).status == 404)
        }
    }

    @Test func `A pre-signed request has no roles, also where it may take the path (O-3)`() async throws {
        var rules = AccessRules()
        rules.hasAdministration = true
        try await withAPI(signedURLKeys: ["new"], rules: rules) { api async throws in
            let caller = HTTPCaller(api.address)
            let role = [("X-Roles", "admin")]
            let signed = try self.headers(paths: "/v2/health")
            #expect(try await caller.send("GET", "/v2/health", headers: signed + role).status == 403)
            let unsigned = signed.filter { !$0.0.hasPrefix("URL-") }
            #expect(try await caller.send("GET", "/v2/health", headers: unsigned + role).status == 200)
        }
    }
}
