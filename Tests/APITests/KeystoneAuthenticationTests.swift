import API
import Foundation
import Keystone
import TestKit
import Testing

/// REST behind a real Keystone.
struct KeystoneAuthenticationTests {
    private static let challenge = #"Keystone uri="https://identity.example/v3""#

    private func expectRefused(_ reply: HTTPReply, _ comment: String = "") {
        #expect(reply.status == 401 && reply["WWW-Authenticate"] == Self.challenge, "\(comment) \(reply)")
        #expect((reply.json["error"] as? [String: Any])?["code"] as? Int == 401)
    }

    @Test func `A token acts for its project, whatever the headers say`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone) { api, _ async throws in
            let (member, other) = (
                try await keystone.token(of: "member"), try await keystone.token(of: "other", for: .project("beta"))
            )
            #expect(try await api.send("PUT", "/v2/queues/mine", token: member).status == 201)
            let alpha = keystone.project("alpha")
            // CVE-2026-107363: the project of a header in the place of that of the token.
            for header in ["X-Project-Id", "X-PROJECT-ID", "X-Tenant-Id", "X-Project-Name", "X-Tenant", "X-User-Id"] {
                let headers = [(header, alpha), ("X-Roles", "admin"), ("X-Identity-Status", "Confirmed")]
                let seen = try await api.send("GET", "/v2/queues", token: other, headers: headers)
                #expect(seen.status == 200 && seen.objects("queues").isEmpty, "\(header)")
                let own = try await api.send(
                    "GET", "/v2/queues", token: member, headers: [(header, keystone.project("beta"))])
                #expect(own.objects("queues").count == 1, "\(header)")
            }
            _ = try await api.send("DELETE", "/v2/queues/mine", token: other, headers: [("X-Project-Id", alpha)])
            #expect(try await api.send("GET", "/v2/queues", token: member).objects("queues").count == 1)
            // `X-Storage-Token` is the other name of the header.
            let storage = try await api.send("GET", "/v2/queues", token: nil, headers: [("X-Storage-Token", member)])
            #expect(storage.status == 200 && storage.objects("queues").count == 1)
        }
    }

    @Test func `CV-1, V-3, A-50: Without a token that holds every path is 401, but not the versions`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone, cacheTime: .zero) { api, _ async throws in
            let revoked = try await keystone.token(of: "member")
            try await keystone.revoke(revoked)
            let expired = try await keystone.token(of: "member", endingIn: -60)
            let tokens: [String?] = [
                nil, "", "bad", "gAAAAAbad", String(repeating: "a", count: 8192), String(repeating: "a", count: 8193),
                "with blank", "a, b", "é", revoked, expired,
            ]
            for token in tokens {
                for path in ["/v2/queues", "/v2/", "/v2/ping", "/nothing", "/v2/nothing"] {
                    let headers = [("X-Project-Id", keystone.project("alpha")), ("X-Roles", "admin")]
                    self.expectRefused(
                        try await api.send("GET", path, token: token, headers: headers),
                        "\(String(describing: token?.prefix(20))) \(path)")
                }
            }
            // CVE-2026-97404: the header that once switched authentication off.
            self.expectRefused(
                try await api.send("GET", "/v2/queues", token: nil, headers: [("EXTRA-SPEC", "messagecode:x")]))
            #expect(try await api.send("GET", "/", token: nil).status == 300)
        }
    }

    @Test func `A-50: A signature alone decides, and an empty one is a wrong one`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone) { api, _ async throws in
            let member = try await keystone.token(of: "member")
            _ = try await api.send(
                "POST", "/v2/queues/q/messages", token: member, #"{"messages": [{"body": 1}]}"#)
            // CVE-2026-97404.
            for headers in [
                [("URL-Signature", "")], [("URL-Signature", ""), ("X-Project-Id", keystone.project("alpha"))],
                [("URL-Signature", "0"), ("URL-Expires", "2100-01-01T00:00:00")],
            ] {
                for token in [nil, member] {
                    #expect(
                        try await api.send("GET", "/v2/queues/q/messages", token: token, headers: headers).status == 404
                    )
                }
            }
            let share = try await api.send("POST", "/v2/queues/q/share", token: member, "{}").json
            func text(_ name: String) -> String {
                (share[name] as? [String])?.joined(separator: ",") ?? share[name] as? String ?? ""
            }
            let signed = [
                ("URL-Signature", text("signature")), ("URL-Expires", text("expires")),
                ("URL-Methods", text("methods")),
                ("URL-Paths", text("paths")),
            ]
            let path = "/v2/queues/q/messages?echo=true"
            let opened = try await api.send(
                "GET", path, token: nil, headers: signed + [("X-Project-Id", text("project")), ("X-Roles", "admin")])
            #expect(opened.status == 200 && opened.objects("messages").count == 1, "\(opened)")
            // The project is the signed one, not that of a token sent along.
            let other = try await keystone.token(of: "other", for: .project("beta"))
            #expect(try await api.send("GET", path, token: other, headers: signed).status == 404)
            for method in ["POST", "DELETE"] {
                let headers = signed + [("X-Project-Id", text("project"))]
                #expect(try await api.send(method, path, token: nil, "{}", headers: headers).status == 404)
            }
        }
    }

    @Test(arguments: [KeystoneServer.Scope.none, .domain, .system])
    func `A token without a project is no project`(scope: KeystoneServer.Scope) async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone) { api, _ async throws in
            var user = "member"
            if case .system = scope { user = "boss" }
            let token = try await keystone.token(of: user, for: scope)
            let headers = [("X-Project-Id", keystone.project("alpha"))]
            let reply = try await api.send("GET", "/v2/queues", token: token, headers: headers)
            #expect(reply.status == 400 && reply.title == "Project-Id Missing", "\(reply)")
        }
    }

    @Test func `Roles are those of the token`() async throws {
        let keystone = try await KeystoneServer.shared()
        var rules = AccessRules()
        rules.hasAdministration = true
        try await withKeystone(keystone, rules: rules) { api, _ async throws in
            for (user, status) in [("reader", 403), ("member", 403), ("boss", 200)] {
                let token = try await keystone.token(of: user)
                let reply = try await api.send("GET", "/v2/pools", token: token, headers: [("X-Roles", "admin")])
                #expect(reply.status == status, "\(user)")
            }
        }
    }

    // MARK: - Services and restricted tokens

    @Test func `A service may act by a token of its user that has expired`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone) { api, _ async throws in
            let expired = try await keystone.token(of: "member", endingIn: -60)
            let service = try await keystone.token(of: "nova", for: .project("service"))
            func send(_ token: String?, _ service: String) async throws -> HTTPReply {
                try await api.send("GET", "/v2/queues", token: token, headers: [("X-Service-Token", service)])
            }
            #expect(try await send(expired, service).status == 200)
            #expect(try await send(keystone.token(of: "member"), service).status == 200)
            // Long ago is too long ago; and a service alone is no caller.
            self.expectRefused(try await send(keystone.token(of: "member", endingIn: -7200), service))
            self.expectRefused(try await send(nil, service))
            self.expectRefused(try await send("bad", service))
            // Whatever the user's token, the service's has to hold and to have a role.
            for wrong in ["", "bad", expired, try await keystone.token(of: "member")] {
                self.expectRefused(try await send(keystone.token(of: "member"), wrong), wrong)
                self.expectRefused(try await send(expired, wrong), wrong)
            }
        }
    }

    @Test func `Roles of services are what an operator says`() async throws {
        let keystone = try await KeystoneServer.shared()
        let expired = try await keystone.token(of: "other", for: .project("beta"), endingIn: -60)
        var services = KeystoneAuthenticator.ServiceRules()
        services.roles = ["member"]
        let member = try await keystone.token(of: "member")
        try await withKeystone(keystone, services: services) { api, _ async throws in
            func send(_ service: String) async throws -> HTTPReply {
                try await api.send("GET", "/v2/queues", token: expired, headers: [("X-Service-Token", service)])
            }
            #expect(try await send(member).status == 200)
            self.expectRefused(try await send(keystone.token(of: "nova", for: .project("service"))))
        }
        services.isRequired = false
        try await withKeystone(keystone, services: services) { api, _ async throws in
            let nova = try await keystone.token(of: "nova", for: .project("service"))
            let reply = try await api.send("GET", "/v2/queues", token: expired, headers: [("X-Service-Token", nova)])
            #expect(reply.status == 200)
        }
    }

    @Test func `A restricted token is for the requests of its rules`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone) { api, _ async throws in
            let token = try await keystone.restrictedToken(
                of: "member",
                rules: [
                    ("messaging", "GET", "/v2/queues"), ("message", "POST", "/v2/queues/{queue}/messages"),
                    ("messaging", "PUT", "/v2/queues/a*"), ("compute", "DELETE", "/**"),
                ])
            let message = #"{"messages": [{"body": 1}]}"#
            #expect(try await api.send("GET", "/v2/queues", token: token).status == 200)
            #expect(try await api.send("GET", "/v2/queues?limit=1", token: token).status == 200)
            #expect(try await api.send("PUT", "/v2/queues/ab", token: token).status == 201)
            #expect(try await api.send("POST", "/v2/queues/ab/messages", token: token, message).status == 201)
            self.expectRefused(try await api.send("GET", "/v2/queues/ab", token: token))
            self.expectRefused(try await api.send("PUT", "/v2/queues/b", token: token))
            self.expectRefused(try await api.send("DELETE", "/v2/queues/ab", token: token))
            self.expectRefused(try await api.send("GET", "/v2/queues/ab/messages", token: token))
            let none = try await keystone.restrictedToken(of: "member", rules: [("compute", "GET", "/v2/queues")])
            self.expectRefused(try await api.send("GET", "/v2/queues", token: none))
        }
    }

    // MARK: - How often Keystone is asked

    @Test func `200 requests with a new token are one validation`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone) { api, _ async throws in
            let token = try await keystone.token(of: "member")
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<200 { group.addTask { try await api.send("GET", "/v2/queues", token: token).status } }
                for try await status in group { #expect(status == 200) }
            }
            #expect(try keystone.validations(of: token) == 1)
        }
    }

    @Test func `A revoked token is refused once its time is over`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone, cacheTime: .milliseconds(200)) { api, _ async throws in
            let token = try await keystone.token(of: "member")
            #expect(try await api.send("GET", "/v2/queues", token: token).status == 200)
            try await keystone.revoke(token)
            let refused = try await eventually {
                let reply = try await api.send("GET", "/v2/queues", token: token)
                return reply.status == 200 ? nil : reply
            }
            self.expectRefused(try #require(refused))
        }
    }
}
