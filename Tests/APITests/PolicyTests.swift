import API
import Domain
import Foundation
import NIOCore
import Policy
import Signing
import TestKit
import Testing

/// Rules of an operator, held against requests.
struct PolicyTests {
    /// Knows tokens by their text: `PROJECT:ROLE,…`.
    struct RoleAuthenticator: Authenticator {
        func identity(of credentials: Credentials, at now: Timestamp) async throws(AuthenticationError) -> Identity {
            let parts = (credentials.token ?? "").split(separator: ":")
            let roles = parts.count > 1 ? Set(parts[1].split(separator: ",").map(String.init)) : []
            return Identity(
                project: parts.first.map(String.init), user: "u", roles: roles, expiry: nil, origin: .none(token: nil))
        }
    }

    static func policy(_ text: String) throws -> Policy {
        try Policy([PolicyFile(text: text, path: "policy.yaml")])
    }

    static func rules(_ text: String) throws -> AccessRules {
        var rules = AccessRules()
        rules.policy = PolicyHolder(try Self.policy(text))
        return rules
    }

    @Test func `A rule denies with 403, or allows, whatever the code says (CV-21)`() async throws {
        var rules = try Self.rules("queues:create: '!'\nhealth:get: ''\nping:get: role:prober\n")
        rules.hasAdministration = true
        try await withAPI(rules: rules) { api async throws in
            let client = api.client()
            let denied = try await client.put("/v2/queues/q", "{}")
            #expect(denied.status == 403 && denied.title == "Not authorized")
            #expect(!denied.words.isEmpty && denied["Content-Type"] == "application/json")
            #expect(try await client.send("PUT", "/v2/queues/q", "{}", headers: [("X-Roles", "admin")]).status == 403)
            #expect(try await client.get("/v2/health").status == 200)
            // Of one path, each method has the rule of its row.
            #expect(try await client.get("/v2/queues/q").status == 200)
            #expect(try await client.get("/v2/ping").status == 403)
            #expect(try await client.caller.send("HEAD", "/v2/ping", headers: client.headers).status == 403)
            #expect(
                try await client.send("GET", "/v2/ping", headers: [("X-Roles", "Other, PROBER")]).status == 204)
        }
    }

    @Test func `Every credential of a request reaches the rules`() async throws {
        let client = UUID().uuidString.lowercased()
        let rules = try Self.rules(
            """
            queues:create: role:maker
            queues:get: user_id:me
            queues:stats: project_id:ours
            queues:delete: client_id:\(client)
            queues:get_all: rule:admin_or_owner
            queues:purge: is_admin:True
            queues:share: "'ours':%(project_id)s"
            """)
        try await withAPI(rules: rules) { api async throws in
            let caller = HTTPCaller(api.address)
            func status(
                _ method: String, _ path: String, project: String = "ours", client id: String = UUID().uuidString,
                _ headers: [(String, String)] = []
            ) async throws -> Int {
                try await caller.send(
                    method, path, headers: [("Client-ID", id), ("X-Project-Id", project)] + headers,
                    body: method == "GET" || method == "DELETE" ? nil : "{}"
                ).status
            }
            #expect(try await status("PUT", "/v2/queues/q") == 403)
            #expect(try await status("PUT", "/v2/queues/q", [("X-Roles", "maker")]) == 201)
            #expect(try await status("GET", "/v2/queues/q") == 403)
            #expect(try await status("GET", "/v2/queues/q", [("X-User-Id", "me")]) == 200)
            #expect(try await status("GET", "/v2/queues/q/stats") == 200)
            #expect(try await status("GET", "/v2/queues/q/stats", project: "theirs") == 403)
            #expect(try await status("POST", "/v2/queues/q/purge") == 403)
            #expect(try await status("POST", "/v2/queues/q/purge", [("X-Roles", "admin")]) != 403)
            #expect(try await status("POST", "/v2/queues/q/share", project: "theirs") == 403)
            #expect(try await status("POST", "/v2/queues/q/share") != 403)
            #expect(try await status("GET", "/v2/queues") == 200)
            #expect(try await status("DELETE", "/v2/queues/q") == 403)
            #expect(try await status("DELETE", "/v2/queues/q", client: client.uppercased()) == 204)
        }
    }

    @Test func `The rules of routes are those of actions and streams`() async throws {
        let rules = try Self.rules(
            "messages:get_all: role:reader\nmessages:create: role:writer\nmessages:stream: role:reader\n")
        try await withAPI(rules: rules, sessionAuthenticator: RoleAuthenticator()) { api async throws in
            let client = try await api.actions(project: "p")
            func authenticate(_ roles: String) async throws {
                let headers = client.headers(["X-Auth-Token": "p:\(roles)"])
                #expect(try await client.call("authenticate", headers: headers).status == 200)
            }
            let post = #"{"queue_name": "q", "messages": [{"body": 1, "ttl": 60}]}"#
            try await authenticate("writer")
            #expect(try await client.call("message_post", post).status == 201)
            let denied = try await client.call("message_list", #"{"queue_name": "q"}"#)
            #expect(denied.status == 403 && denied.error == "Not authorized", "\(denied.text)")
            try await authenticate("reader")
            #expect(try await client.call("message_list", #"{"queue_name": "q"}"#).status == 200)
            #expect(try await client.call("message_post", post).status == 403)

            let rest = api.client(project: "p")
            #expect(try await rest.get("/v2/queues/q/stream").status == 403)
            let opened = try await rest.send(
                "GET", "/v2/queues/q/stream?from=nothing", headers: [("X-Roles", "reader")])
            #expect(opened.status == 400, "it got as far as its query")
        }
    }

    @Test func `A pre-signed request has no roles, whatever it states`() async throws {
        let rules = try Self.rules("messages:get_all: role:reader or role:admin\nmessages:create: not role:reader\n")
        try await withAPI(signedURLKeys: ["a-key-of-some-length"], rules: rules) { api async throws in
            let path = "/v2/queues/q/messages"
            let url = SignedURL(
                paths: [path], methods: ["GET", "POST"], project: "p",
                expiry: try #require(SignedURLExpiry("2100-01-01T00:00:00")))
            let signature = url.signature(key: try #require(SignedURLKey("a-key-of-some-length")))
            let headers = [
                ("URL-Signature", signature), ("URL-Methods", "GET,POST"), ("URL-Paths", path),
                ("URL-Expires", "2100-01-01T00:00:00"), ("X-Project-Id", "p"), ("Client-ID", UUID().uuidString),
                ("X-Roles", "reader,admin"),
            ]
            let caller = HTTPCaller(api.address)
            #expect(try await caller.send("GET", path, headers: headers).status == 403)
            let body = #"{"messages": [{"body": 1}]}"#
            #expect(try await caller.send("POST", path, headers: headers, body: body).status == 201)
        }
    }

    @Test func `Rules that are replaced count for the next request, also of a connection that is open`() async throws {
        let rules = try Self.rules("queues:get_all: '!'\n")
        try await withAPI(rules: rules) { api async throws in
            let (client, session) = (api.client(project: "p"), try await api.actions(project: "p"))
            #expect(try await client.get("/v2/queues").status == 403)
            #expect(try await session.call("queue_list").status == 403)
            rules.policy.replace(with: .builtIn)
            #expect(try await client.get("/v2/queues").status == 200)
            #expect(try await session.call("queue_list").status == 200)
        }
    }
}
