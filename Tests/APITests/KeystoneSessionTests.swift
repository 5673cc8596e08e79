import API
import Foundation
import TestKit
import Testing

/// WebSocket and streams behind a real Keystone.
struct KeystoneSessionTests {
    @Test func `A connection acts for the project of its token, and for no other`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone) { api, _ async throws in
            let (alpha, beta) = (keystone.project("alpha"), keystone.project("beta"))
            let client = try await api.actions(project: alpha)
            #expect(try await client.call("queue_list").status == 403)
            for bad in ["bad", "", "two words", String(repeating: "a", count: 8193)] {
                let refused = try await client.authenticate(bad)
                #expect(refused.status == 401 && refused.error == "Authentication failed.", "\(bad)")
            }
            let done = try await client.authenticate(try await keystone.token(of: "member"))
            #expect(done.status == 200 && done["message"] as? String == "Authentified.")
            #expect(try await client.call("queue_create", #"{"queue_name": "q"}"#).status == 201)
            // W-29, and CVE-2026-107363.
            for project in [beta, "", alpha.uppercased()] {
                let reply = try await client.call("queue_list", headers: client.headers(["X-Project-ID": project]))
                #expect(reply.status == 403 && reply.error == "Not authenticated.")
            }
            let named = client.headers(["X-Roles": "admin", "X-User-Id": "u", "EXTRA-SPEC": "messagecode:x"])
            #expect(try await client.call("queue_list", headers: named).status == 200)
            // Another identity binds the connection to its project, and the one before is gone.
            let other = try await keystone.token(of: "other", for: .project("beta"))
            #expect(try await client.authenticate(other).status == 200)
            #expect(try await client.call("queue_list").status == 403)
            let listed = try await client.call("queue_list", headers: client.headers(["X-Project-ID": beta]))
            #expect(listed.status == 200 && listed.objects("queues").isEmpty)
            // A refused one changes nothing.
            #expect(try await client.authenticate("bad").status == 401)
            #expect(try await client.call("queue_list", headers: client.headers(["X-Project-ID": beta])).status == 200)
        }
    }

    @Test func `Without an identity only a signature that holds is admitted`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone) { api, _ async throws in
            let client = try await api.actions(project: keystone.project("alpha"))
            let queue = #"{"queue_name": "q"}"#
            for more in [
                [:], ["EXTRA-SPEC": "messagecode:x"], ["URL-Signature": ""],
                [
                    "URL-Signature": "", "URL-Expires": "2100-01-01T00:00:00", "URL-Methods": "GET",
                    "URL-Paths": "/v2/queues/q/messages",
                ],
                ["X-Auth-Token": try await keystone.token(of: "member")], ["X-Roles": "admin"],
            ] {
                let reply = try await client.call("message_list", queue, headers: client.headers(more))
                #expect(reply.status == 403 && reply.error == "Not authentified.", "\(more)")
            }
            // The token of the upgrade is no identity: browsers could not send one.
            #expect(try await client.call("queue_list").status == 403)
        }
    }

    /// A request with all that an action has to have, and with nothing that exists.
    private static func body(of action: Action) -> String {
        let members = action.members.filter(\.isRequired).map { member in
            let value =
                switch member.kind {
                case .string: #""q""#
                case .integer: "60"
                case .boolean: "true"
                case .array, .list: "[]"
                case .object: "{}"
                }
            return #""\#(member.name)": \#(value)"#
        }
        return "{\(members.joined(separator: ", "))}"
    }

    @Test func `Every action is refused without an identity, and for another project than that of the token`()
        async throws
    {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone) { api, _ async throws in
            let client = try await api.actions(project: keystone.project("alpha"))
            let actions = ActionTable.actions.filter { $0.name != "authenticate" }
            for action in actions {
                let reply = try await client.call(action.name, Self.body(of: action))
                #expect(reply.status == 403 && reply.error == "Not authentified.", "\(action.name) \(reply.text)")
            }
            #expect(try await client.authenticate(try await keystone.token(of: "member")).status == 200)
            let other = client.headers(["X-Project-ID": keystone.project("beta")])
            for action in actions {
                let reply = try await client.call(action.name, Self.body(of: action), headers: other)
                #expect(reply.status == 403 && reply.error == "Not authenticated.", "\(action.name) \(reply.text)")
                let own = try await client.call(action.name, Self.body(of: action))
                #expect(own.error?.hasPrefix("Not auth") != true && own.status != 401, "\(action.name) \(own.text)")
            }
        }
    }

    @Test(arguments: [KeystoneServer.Scope.none, .domain])
    func `A token without a project authenticates, and opens no project`(scope: KeystoneServer.Scope) async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone) { api, _ async throws in
            let client = try await api.actions(project: keystone.project("alpha"))
            #expect(try await client.authenticate(try await keystone.token(of: "member", for: scope)).status == 200)
            for project in [client.project, "", "default"] {
                #expect(
                    try await client.call("queue_list", headers: client.headers(["X-Project-ID": project])).status
                        == 403)
            }
        }
    }

    @Test func `A service may authenticate by a token of its user that has expired`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone) { api, _ async throws in
            let client = try await api.actions(project: keystone.project("alpha"))
            let expired = try await keystone.token(of: "member", endingIn: -60)
            #expect(try await client.authenticate(expired).status == 401)
            #expect(try await client.authenticate(expired, ["X-Service-Token": "bad"]).status == 401)
            let service = try await keystone.token(of: "nova", for: .project("service"))
            #expect(try await client.authenticate(expired, ["X-Service-Token": service]).status == 200)
            #expect(try await client.call("queue_list").status == 200)
        }
    }

    @Test func `A restricted token needs a rule for the connection itself`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone) { api, _ async throws in
            let client = try await api.actions(project: keystone.project("alpha"))
            let routes = try await keystone.restrictedToken(
                of: "member", rules: [("messaging", "GET", "/v2/queues/**"), ("messaging", "GET", "/v2/**")])
            #expect(try await client.authenticate(routes).status == 401)
            let large = try await client.authenticate(String(repeating: "a", count: 33_000))
            #expect(large.status == 400)
            let socket = try await keystone.restrictedToken(
                of: "member", rules: [("messaging", "GET", "/v2/websocket")])
            #expect(try await client.authenticate(socket).status == 200)
            #expect(try await client.call("queue_list").status == 200)
        }
    }

    @Test func `W-23: A connection ends with its token`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone) { api, _ async throws in
            let long = try await keystone.token(of: "member")
            // On a machine that is busy a short life may be over before it is seen.
            for seconds: Double in [4, 20, 100] {
                let client = try await api.actions(project: keystone.project("alpha"))
                let renewed = try await api.actions(project: keystone.project("alpha"))
                let short = try await keystone.token(of: "member", endingIn: seconds)
                do {
                    guard try await renewed.authenticate(short).status == 200,
                        try await renewed.authenticate(long).status == 200,
                        try await client.authenticate(short).status == 200
                    else { continue }
                } catch let closed as ActionClient.Closed {
                    #expect(closed.code == 4003)
                    continue
                }
                let (code, reason) = try await client.close()
                #expect(code == 4003 && reason == "Authentication expired.")
                #expect(try await renewed.call("queue_list").status == 200)
                return
            }
            Issue.record("no token lived long enough")
        }
    }

    @Test func `A connection whose token is revoked ends, one whose token holds does not`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone, cacheTime: .milliseconds(100)) { api, _ async throws in
            let client = try await api.actions(project: keystone.project("alpha"))
            let other = try await api.actions(project: keystone.project("alpha"))
            let (revoked, held) = (try await keystone.token(of: "member"), try await keystone.token(of: "reader"))
            #expect(try await client.authenticate(revoked).status == 200)
            #expect(try await other.authenticate(held).status == 200)
            try await keystone.revoke(revoked)
            let (code, reason) = try await client.close()
            #expect(code == 4003 && reason == "Authentication expired.")
            // The other one has been looked at meanwhile, and goes on.
            let isChecked = try await eventually { try keystone.validations(of: held) > 1 ? true : nil }
            #expect(isChecked == true)
            #expect(try await other.call("queue_list").status == 200)
        }
    }

    @Test func `What was subscribed for a project ends with the identity of another`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone) { api, _ async throws in
            let client = try await api.actions(project: keystone.project("alpha"))
            #expect(try await client.authenticate(try await keystone.token(of: "member")).status == 200)
            let subscribed = try await client.call("subscription_create", #"{"queue_name": "q", "ttl": 600}"#)
            #expect(subscribed.status == 201)
            // Another token of the same project changes nothing.
            #expect(try await client.authenticate(try await keystone.token(of: "reader")).status == 200)
            #expect(try await client.call("queue_list").status == 200)
            let other = try await keystone.token(of: "other", for: .project("beta"))
            #expect(try await client.authenticate(other).status == 200)
            #expect(try await client.close().code == 1012)
            let owner = try await keystone.token(of: "member")
            let isGone = try await eventually {
                let listed = try await api.send("GET", "/v2/queues/q/subscriptions", token: owner)
                return listed.objects("subscriptions").isEmpty ? true : nil
            }
            #expect(isGone == true)
        }
    }

    // MARK: - Streams

    private func stream(_ api: RunningAPI, _ token: String, headers: [(String, String)] = []) async throws
        -> EventSource
    {
        try await EventSource.open(
            api.address, "/v2/queues/q/stream?from=oldest",
            headers: [("Client-ID", UUID().uuidString), ("X-Auth-Token", token)] + headers)
    }

    @Test func `A stream is of the token's project, and ends when the token is revoked`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone, cacheTime: .milliseconds(100)) { api, _ async throws in
            let token = try await keystone.token(of: "member")
            let message = #"{"messages": [{"body": 1}]}"#
            #expect(try await api.send("POST", "/v2/queues/q/messages", token: token, message).status == 201)
            let stream = try await self.stream(api, token, headers: [("X-Project-Id", keystone.project("beta"))])
            let first = try #require(try await stream.next())
            #expect(first.text.contains(#""body":1"#), "\(first)")
            try await keystone.revoke(token)
            #expect(try await stream.next() == nil)
            let other = try await keystone.token(of: "other", for: .project("beta"))
            let own = try await self.stream(api, other, headers: [("X-Project-Id", keystone.project("alpha"))])
            #expect(try await own.head().contains(" 200 "))
            try await keystone.revoke(other)
            #expect(try await own.next() == nil)
        }
    }

    @Test func `A stream ends with its token, and without one there is none`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone) { api, _ async throws in
            var hasEnded = false
            // On a machine that is busy a short life may be over before it is seen.
            for seconds: Double in [4, 20] where !hasEnded {
                let stream = try await self.stream(api, try await keystone.token(of: "member", endingIn: seconds))
                guard try await stream.head().contains(" 200 ") else { continue }
                #expect(try await stream.next() == nil && stream.isOver)
                hasEnded = true
            }
            #expect(hasEnded)
            let token = try await keystone.token(of: "member")
            for headers in [[("EXTRA-SPEC", "messagecode:x")], [("X-Project-Id", keystone.project("alpha"))]] {
                #expect(try await api.send("GET", "/v2/queues/q/stream", token: nil, headers: headers).status == 401)
            }
            let empty = [("URL-Signature", ""), ("X-Project-Id", keystone.project("alpha"))]
            #expect(try await api.send("GET", "/v2/queues/q/stream", token: token, headers: empty).status == 404)
        }
    }
}
