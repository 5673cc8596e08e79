import API
import Foundation
import HTTPServer
import Policy
import Signing
import TestKit
import Testing

/// The policy that is shipped for three roles, against every route and action.
struct PolicyProfileTests {
    private enum Role: Int, CaseIterable {
        case none, reader, member, admin

        var name: String { self == .none ? "" : "\(self)" }
    }

    private static func rules() throws -> AccessRules {
        let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = top.deletingLastPathComponent().appendingPathComponent("deploy/policy/reader-member.yaml").path
        var rules = AccessRules()
        rules.hasAdministration = true
        rules.policy = PolicyHolder(try PolicySource(file: file).read())
        return rules
    }

    /// The least role a route takes: what reads is for readers, the rest for members, and some for neither.
    private static func least(_ method: HTTPMethod, _ rule: String) -> Role {
        switch rule {
        case "ping:get": .none
        case "subscription:secret": .member
        case "subscription:test_filter": .reader
        default:
            if ["pools:", "project_limits:", "admin:"].contains(where: { rule.hasPrefix($0) }) || rule == "health:get" {
                .admin
            } else if method == .get || method == .head {
                .reader
            } else {
                rule.hasPrefix("flavors:") ? .admin : .member
            }
        }
    }

    /// A path of the template that leads to nothing.
    private static func path(_ template: String) -> String {
        let path = template.replacing("{address}", with: "a%40b.example").replacing(/\{[a-z_]+\}/, with: "x")
        // A stream that is opened does not end.
        return path.hasSuffix("/stream") ? path + "?from=nothing" : path
    }

    @Test func `Every route admits the roles it is for, and no other`() async throws {
        let routes = RouteTable.routes.compactMap { route in route.rule.map { (route, $0.name) } }
        #expect(routes.count > 60)
        try await withAPI(rules: try Self.rules()) { api async throws in
            let caller = api.client().caller
            for role in Role.allCases {
                for (route, rule) in routes {
                    let reply = try await caller.send(
                        route.method.rawValue, Self.path(route.template),
                        headers: [
                            ("Client-ID", UUID().uuidString), ("X-Project-Id", "p"), ("X-User-Id", "u"),
                            ("X-Roles", role.name),
                        ], body: [.get, .head, .delete].contains(route.method) ? nil : "{}")
                    let isAdmitted = role.rawValue >= Self.least(route.method, rule).rawValue
                    #expect((reply.status != 403) == isAdmitted, "\(role) \(route.method) \(route.template): \(reply)")
                }
            }
        }
    }

    @Test func `Every action admits the roles it is for, and no other`() async throws {
        try await withAPI(rules: try Self.rules(), sessionAuthenticator: PolicyTests.RoleAuthenticator()) {
            api async throws in
            let client = try await api.actions(project: "p")
            for role in Role.allCases {
                let headers = client.headers(["X-Auth-Token": "p:\(role.name)"])
                #expect(try await client.call("authenticate", headers: headers).status == 200)
                for action in ActionTable.actions where action.rule != nil {
                    let reply = try await client.call(action.name, Self.body(of: action))
                    let reads = action.name.hasSuffix("_list") || action.name.contains("_get")
                    let isAdmitted = role.rawValue >= (reads ? Role.reader : .member).rawValue
                    #expect((reply.status != 403) == isAdmitted, "\(role) \(action.name): \(reply.text)")
                }
            }
        }
    }

    /// A body of the shape that the action takes.
    private static func body(of action: Action) -> String {
        let members = action.members.filter(\.isRequired).map { member in
            switch member.kind {
            case .array: #""\#(member.name)": [{"body": 1, "ttl": 60}]"#
            default: #""\#(member.name)": "x""#
            }
        }
        return "{\(members.joined(separator: ", "))}"
    }

    @Test func `A pre-signed request confirms a subscription, and does nothing else`() async throws {
        try await withAPI(signedURLKeys: ["a-key-of-some-length"], rules: try Self.rules()) { api async throws in
            let (subscription, messages) = ("/v2/queues/q/subscriptions/x/confirm", "/v2/queues/q/messages")
            let url = SignedURL(
                paths: [subscription, messages], methods: ["GET", "PUT"], project: "p",
                expiry: try #require(SignedURLExpiry("2100-01-01T00:00:00")))
            let headers = [
                ("URL-Signature", url.signature(key: try #require(SignedURLKey("a-key-of-some-length")))),
                ("URL-Methods", "GET,PUT"), ("URL-Paths", "\(subscription),\(messages)"),
                ("URL-Expires", "2100-01-01T00:00:00"), ("X-Project-Id", "p"), ("Client-ID", UUID().uuidString),
            ]
            let caller = HTTPCaller(api.address)
            let confirmed = try await caller.send("PUT", subscription, headers: headers, body: #"{"confirmed": true}"#)
            #expect(confirmed.status == 404, "there is no such subscription: \(confirmed)")
            #expect(try await caller.send("GET", messages, headers: headers).status == 403)
        }
    }
}
