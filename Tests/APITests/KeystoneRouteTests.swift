import API
import Foundation
import HTTPServer
import TestKit
import Testing

/// Every route, asked with every kind of token.
struct KeystoneRouteTests {
    /// Whom a route is for.
    private enum Audience { case everyone, callers, members, administrators }

    /// A route, and what it answers.
    private struct Row: Sendable {
        let method: String
        let template: String
        let audience: Audience
        /// The status for a caller of the project that the ids of the path are from; and for one of another project.
        let own: Int
        let other: Int
        let body: String?
        let type: String

        init(
            _ method: String, _ template: String, _ own: Int, _ other: Int? = nil, _ body: String? = nil,
            for audience: Audience = .members, type: String = "application/json"
        ) {
            self.method = method
            self.template = template
            self.audience = audience
            (self.own, self.other) = (own, other ?? own)
            self.body = body
            self.type = type
        }

        var name: String { "\(self.method) \(self.template)" }
    }

    private static let patch = "application/openstack-messaging-v2.0-json-patch"
    private static let subscription = "/v2/queues/{queue}/subscriptions/{subscription}"

    private static let rows: [Row] = [
        Row("GET", "/", 300, for: .everyone), Row("GET", "/confirm", 400, for: .everyone),
        Row("HEAD", "/confirm", 400, for: .everyone),
        Row("POST", "/confirm", 400, for: .everyone), Row("GET", "/unsubscribe", 400, for: .everyone),
        Row("HEAD", "/unsubscribe", 400, for: .everyone), Row("POST", "/unsubscribe", 400, for: .everyone),
        Row("GET", "/v2/", 200, for: .members), Row("GET", "/v2/openapi.json", 200, for: .callers),
        Row("GET", "/v2/asyncapi.json", 200, for: .callers), Row("GET", "/v2/ping", 204), Row("HEAD", "/v2/ping", 204),
        Row("GET", "/v2/health", 200, for: .administrators),

        Row("GET", "/v2/pools", 200, for: .administrators), Row("GET", "/v2/pools/{pool}", 404, for: .administrators),
        Row("PUT", "/v2/pools/{pool}", 400, 400, "{}", for: .administrators),
        Row("PATCH", "/v2/pools/{pool}", 404, 404, #"{"weight": 1}"#, for: .administrators),
        Row("DELETE", "/v2/pools/{pool}", 204, for: .administrators),
        Row("GET", "/v2/flavors", 200), Row("GET", "/v2/flavors/{flavor}", 404),
        Row("PUT", "/v2/flavors/{flavor}", 400, 400, "{}", for: .administrators),
        Row("PATCH", "/v2/flavors/{flavor}", 404, 404, #"{"pool_list": ["p"]}"#, for: .administrators),
        Row("DELETE", "/v2/flavors/{flavor}", 204, for: .administrators),

        Row("GET", "/v2/admin/projects", 200, for: .administrators),
        Row("GET", "/v2/admin/queues", 200, for: .administrators),
        Row("GET", "/v2/admin/subscriptions", 200, for: .administrators),

        Row("GET", "/v2/limits", 200), Row("GET", "/v2/projects/{project}/limits", 200, for: .administrators),
        Row("PUT", "/v2/projects/{project}/limits", 204, 204, "{}", for: .administrators),
        Row("DELETE", "/v2/projects/{project}/limits", 204, for: .administrators),

        Row("GET", "/v2/topics", 200), Row("GET", "/v2/topics/{topic}", 200),
        Row("PUT", "/v2/topics/{topic}", 201, 201, "{}"),
        Row("PATCH", "/v2/topics/{topic}", 404, 200, "[]", type: Self.patch), Row("DELETE", "/v2/topics/{topic}", 204),
        Row("GET", "/v2/topics/{topic}/stats", 200),
        Row("POST", "/v2/topics/{topic}/purge", 204, 204, #"{"resource_types": ["messages"]}"#),

        Row("GET", "/v2/queues", 200), Row("GET", "/v2/queues/{queue}", 200),
        Row("PUT", "/v2/queues/{queue}", 204, 201, "{}"),
        Row("PATCH", "/v2/queues/{queue}", 200, 200, "[]", type: Self.patch), Row("DELETE", "/v2/queues/{queue}", 204),
        Row("GET", "/v2/queues/{queue}/stats", 200),
        Row("POST", "/v2/queues/{queue}/purge", 204, 204, #"{"resource_types": ["messages"]}"#),
        Row("POST", "/v2/queues/{queue}/share", 200, 200, "{}"),

        Row("GET", "/v2/queues/{queue}/messages", 200),
        Row("POST", "/v2/queues/{queue}/messages", 201, 201, #"{"messages": [{"body": 1}]}"#),
        Row("DELETE", "/v2/queues/{queue}/messages", 400), Row("GET", "/v2/queues/{queue}/stream", 200),
        Row("GET", "/v2/queues/{queue}/messages/{message}", 200, 404),
        Row("DELETE", "/v2/queues/{queue}/messages/{message}", 204),
        Row("GET", "/v2/queues/{queue}/messages/{message}/deliveries", 200, 404),

        Row("POST", "/v2/queues/{queue}/claims", 201, 201, "{}"),
        Row("GET", "/v2/queues/{queue}/claims/{claim}", 200, 404),
        Row("PATCH", "/v2/queues/{queue}/claims/{claim}", 204, 404, "{}"),
        Row("DELETE", "/v2/queues/{queue}/claims/{claim}", 204),

        Row("GET", "/v2/queues/{queue}/dead_letters", 200),
        Row("POST", "/v2/queues/{queue}/dead_letters/redrive", 200, 200, "{}"),
        Row("GET", "/v2/queues/{queue}/dead_letters/{dead_letter}", 404),
        Row("DELETE", "/v2/queues/{queue}/dead_letters/{dead_letter}", 204),
        Row("GET", "/v2/signing_keys", 200), Row("POST", "/v2/signing_keys/rotate", 200, 200, "{}"),
        Row("GET", "/v2/suppressions", 200), Row("GET", "/v2/suppressions/{address}", 404),
        Row("PUT", "/v2/suppressions/{address}", 201), Row("DELETE", "/v2/suppressions/{address}", 204),

        Row("GET", "/v2/queues/{queue}/subscriptions", 200),
        Row("POST", "/v2/queues/{queue}/subscriptions", 201, 201, #"{"subscriber": "http://b"}"#),
        Row("GET", Self.subscription, 200, 404), Row("PATCH", Self.subscription, 204, 404, #"{"ttl": 70}"#),
        Row("DELETE", Self.subscription, 204),
        Row("PUT", "\(Self.subscription)/confirm", 204, 404, #"{"confirmed": true}"#),
        Row("GET", "\(Self.subscription)/secret", 200, 404),
        Row("POST", "\(Self.subscription)/secret/rotate", 200, 404, "{}"),
        Row("GET", "\(Self.subscription)/schedule", 200, 404), Row("GET", "\(Self.subscription)/attempts", 200, 404),
        Row("GET", "\(Self.subscription)/health", 200, 404), Row("POST", "\(Self.subscription)/pause", 204, 404),
        Row("POST", "\(Self.subscription)/resume", 204, 404), Row("POST", "\(Self.subscription)/recover", 400),
        Row("POST", "\(Self.subscription)/test", 202, 404, "{}"),
        Row("POST", "\(Self.subscription)/filter/test", 200, 404, #"{"body": {"a": 1}, "filter": {"a": [1]}}"#),
    ]

    /// What a token is worth.
    private enum Credential: String, CaseIterable {
        case none, malformed, expired, revoked, otherProject, unscoped, domain, reader, member, admin, service

        func status(_ row: Row) -> Int {
            switch (self, row.audience) {
            case (_, .everyone): row.own
            case (.none, _), (.malformed, _), (.expired, _), (.revoked, _): 401
            case (_, .callers): row.own
            case (.unscoped, _), (.domain, _): 400
            case (.admin, .administrators): row.own
            case (_, .administrators): 403
            case (.otherProject, _), (.service, _): row.other
            case (.reader, _), (.member, _), (.admin, _): row.own
            }
        }

        /// Whether a request of it may change the queue, so that it gets one of its own.
        var isOfOwner: Bool { [.reader, .member, .admin].contains(self) }
    }

    private static func token(_ credential: Credential, _ keystone: KeystoneServer) async throws -> String? {
        switch credential {
        case .none: return nil
        // Refused without a question to Keystone; those that it refuses are in KeystoneAuthenticationTests.
        case .malformed: return "two words"
        case .expired: return try await keystone.token(of: "member", endingIn: -60)
        case .revoked:
            let token = try await keystone.token(of: "member")
            try await keystone.revoke(token)
            return token
        case .otherProject: return try await keystone.token(of: "other", for: .project("beta"))
        case .unscoped: return try await keystone.token(of: "member", for: .none)
        case .domain: return try await keystone.token(of: "member", for: .domain)
        case .reader: return try await keystone.token(of: "reader")
        case .member: return try await keystone.token(of: "member")
        case .admin: return try await keystone.token(of: "boss")
        case .service: return try await keystone.token(of: "nova", for: .project("service"))
        }
    }

    @Test func `Every route is in the table`() {
        let listed = Self.rows.map { "\($0.method) \($0.template)" }
        #expect(Set(listed) == Set(RouteTable.routes.map { "\($0.method.rawValue) \($0.template)" }))
        #expect(Set(listed).count == listed.count)
    }

    @Test func `CV-2: Every route answers every kind of token as the table says`() async throws {
        let keystone = try await KeystoneServer.shared()
        var rules = AccessRules()
        rules.hasAdministration = true
        try await withKeystone(keystone, rules: rules) { api, _ async throws in
            let owner = try #require(try await Self.token(.member, keystone))
            for credential in Credential.allCases {
                let token = try await Self.token(credential, keystone)
                if credential == .expired {
                    // Known from then on, and expired: Keystone is spared a question for each row.
                    let service = try await keystone.token(of: "nova", for: .project("service"))
                    let reply = try await api.send(
                        "GET", "/v2/queues", token: token, headers: [("X-Service-Token", service)])
                    #expect(reply.status == 200)
                }
                let shared = try await Names("\(credential)", api, owner)
                for (number, row) in Self.rows.enumerated() {
                    let names = credential.isOfOwner ? try await Names("\(credential)-\(number)", api, owner) : shared
                    let status = try await self.status(
                        row, names, token: token, of: api, project: keystone.project("alpha"))
                    #expect(status == credential.status(row), "\(credential) \(row.name)")
                }
                if !credential.isOfOwner { try await shared.expectUntouched(api, owner) }
            }
        }
    }

    private func status(
        _ row: Row, _ names: Names, token: String?, of api: RunningAPI, project: String
    ) async throws -> Int {
        let caller = HTTPCaller(api.address)
        // The project is stated too, and roles: neither counts.
        var head = "\(row.method) \(names.path(row.template)) HTTP/1.1\r\nHost: x\r\nX-Roles: admin\r\n"
        head += "Client-ID: 3381af92-2b9e-11e3-b191-71861300734c\r\nX-Project-Id: \(project)\r\n"
        if let token { head += "X-Auth-Token: \(token)\r\n" }
        if let body = row.body { head += "Content-Type: \(row.type)\r\nContent-Length: \(body.utf8.count)\r\n" }
        // A stream has no end: its head is enough.
        let hasEnd = row.method != "HEAD" && !row.template.hasSuffix("/stream")
        let reply = try await caller.send(raw: "\(head)\r\n\(row.body ?? "")", hasBody: hasEnd)
        await caller.close()
        return reply.status
    }

    /// A queue of the project `alpha`, with a message, a claim and a subscription.
    private struct Names {
        let queue: String
        let message: String
        let claim: String
        let subscription: String

        init(_ queue: String, _ api: RunningAPI, _ owner: String) async throws {
            self.queue = queue
            func made(_ path: String, _ body: String) async throws -> HTTPReply {
                let reply = try await api.send("POST", "/v2/queues/\(queue)/\(path)", token: owner, body)
                #expect(reply.status == 201, "\(reply)")
                return reply
            }
            func last(_ path: String?) throws -> String {
                try #require(path?.split(separator: "/").last.map(String.init))
            }
            _ = try await made("messages", #"{"messages": [{"body": 1}]}"#)
            self.claim = try last(try await made("claims", "{}")["Location"])
            let posted = try await made("messages", #"{"messages": [{"body": 2}]}"#)
            self.message = try last((posted.json["resources"] as? [String])?.first)
            let subscribed = try await made("subscriptions", #"{"subscriber": "http://a"}"#)
            self.subscription = try #require(subscribed.json["subscription_id"] as? String)
        }

        func path(_ template: String) -> String {
            template.replacing("{queue}", with: self.queue).replacing("{message}", with: self.message)
                .replacing("{claim}", with: self.claim).replacing("{subscription}", with: self.subscription)
                .replacing("{address}", with: "a@b.example").replacing("{dead_letter}", with: self.message)
                .replacing(/\{[^}]*\}/, with: self.queue)
        }

        func expectUntouched(_ api: RunningAPI, _ owner: String) async throws {
            for path in ["messages/\(self.message)", "claims/\(self.claim)", "subscriptions/\(self.subscription)"] {
                let reply = try await api.send("GET", "/v2/queues/\(self.queue)/\(path)", token: owner)
                #expect(reply.status == 200, "\(self.queue) \(path)")
            }
            let messages = try await api.send("GET", "/v2/queues/\(self.queue)/messages?echo=true", token: owner)
            #expect(messages.objects("messages").count == 1)
        }
    }
}
