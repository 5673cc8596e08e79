import API
import Domain
import Foundation
import NIOConcurrencyHelpers
import NIOCore
import Signing
import TestKit
import Testing

/// Who a connection acts for, where callers are authenticated.
struct WebSocketAuthenticationTests {
    /// Knows tokens by their text, `PROJECT` or `PROJECT:MILLISECONDS` of life, and answers when it is let.
    private final class TokenAuthenticator: Authenticator {
        private let state = NIOLockedValueBox<(isOpen: Bool, waiters: [CheckedContinuation<Void, Never>])>((true, []))

        var waiting: Int { self.state.withLockedValue { $0.waiters.count } }

        func close() { self.state.withLockedValue { $0.isOpen = false } }

        func open() {
            let waiters = self.state.withLockedValue { state in
                defer { state.waiters = [] }
                state.isOpen = true
                return state.waiters
            }
            for waiter in waiters { waiter.resume() }
        }

        func identity(of credentials: Credentials, at now: Timestamp) async throws(AuthenticationError) -> Identity {
            await withCheckedContinuation { waiter in
                let isOpen = self.state.withLockedValue { state in
                    if !state.isOpen { state.waiters.append(waiter) }
                    return state.isOpen
                }
                if isOpen { waiter.resume() }
            }
            let parts = (credentials.token ?? "").split(separator: ":")
            guard let project = parts.first, project != "bad" else {
                throw .unauthenticated(challenge: "Test")
            }
            if project == "silent" { throw .unavailable(retryAfter: 1) }
            let life = parts.count > 1 ? Int64(parts[1]) : nil
            return Identity(
                project: String(project), user: "u", roles: [], expiry: life.map { now.adding(milliseconds: $0) },
                origin: .none(token: nil))
        }
    }

    private func authenticate(_ client: ActionClient, _ token: String) async throws {
        try await client.send(client.request("authenticate", nil, headers: client.headers(["X-Auth-Token": token])))
    }

    private func authenticated(_ client: ActionClient, _ token: String) async throws -> ActionReply {
        try await self.authenticate(client, token)
        return try await client.reply()
    }

    @Test func `W-20, W-21: Nothing else is admitted while an identity is established`() async throws {
        let authenticator = TokenAuthenticator()
        try await withAPI(sessionAuthenticator: authenticator) { api async throws in
            let client = try await api.actions(project: "p")
            let before = try await client.call("queue_list")
            #expect(before.status == 403 && before.error == "Not authentified." && before.body.count == 1)
            authenticator.close()
            try await self.authenticate(client, "p")
            let isWaiting = try await eventually { authenticator.waiting == 1 ? true : nil }
            #expect(isWaiting == true)
            let between = try await client.call("queue_list")
            #expect(between.status == 403 && between.error == "Not authentified.")
            let second = try await self.authenticated(client, "p")
            #expect(second.status == 403 && second.request["action"] as? String == "authenticate")
            #expect(client.socket.waiting == 0 && authenticator.waiting == 1)
            authenticator.open()
            let reply = try await client.reply()
            #expect(reply.status == 200 && reply["message"] as? String == "Authentified.")
            #expect(try await client.call("queue_list").status == 200)
        }
    }

    @Test func `W-22, W-24: A token that is refused is 401, and another may follow`() async throws {
        try await withAPI(sessionAuthenticator: TokenAuthenticator()) { api async throws in
            let client = try await api.actions(project: "p")
            let refused = try await self.authenticated(client, "bad")
            #expect(
                try refused.equals(
                    #"{"request": {"action": "authenticate", "body": {}, "headers": {}, "api": "v2"}, "body": {"error": "Authentication failed."}, "headers": {"status": 401}}"#
                ))
            #expect(try await client.call("queue_list").status == 403)
            let unknown = try await self.authenticated(client, "silent")
            #expect(unknown.status == 503 && unknown.error == "Authentication failed.")
            #expect(try await client.call("queue_list").status == 403)
            #expect(try await self.authenticated(client, "p").status == 200)
            #expect(try await client.call("queue_list").status == 200)
            #expect(try await self.authenticated(client, "bad").status == 401)
            #expect(try await self.authenticated(client, "silent").status == 503)
            #expect(try await client.call("queue_list").status == 200, "the identity before stays")
        }
    }

    @Test func `W-23: An identity ends the connection with 4003 when it expires, unless it was replaced`() async throws
    {
        try await withAPI(sessionAuthenticator: TokenAuthenticator()) { api async throws in
            let (client, replaced) = (try await api.actions(project: "p"), try await api.actions(project: "p"))
            #expect(try await self.authenticated(replaced, "p:60000").status == 200)
            #expect(try await self.authenticated(replaced, "p:600000").status == 200)
            #expect(try await self.authenticated(client, "p:100").status == 200)
            let close = try #require(try await client.socket.next())
            #expect(close.opcode == 8 && close.code == 4003 && close.reason == "Authentication expired.")
            #expect(try await replaced.call("queue_list").status == 200)
        }
    }

    @Test func `W-25: The answer has the format of its request`() async throws {
        try await withAPI(sessionAuthenticator: TokenAuthenticator()) { api async throws in
            for isBinary in [true, false] {
                let client = try await api.actions(project: "p", isBinary: isBinary)
                for token in ["bad", "p"] {
                    #expect(try await self.authenticated(client, token).isBinary == isBinary)
                }
            }
        }
    }

    @Test func `W-29: A request for another project than that of the token is 403`() async throws {
        try await withAPI(sessionAuthenticator: TokenAuthenticator()) { api async throws in
            let client = try await api.actions(project: "7e55e1a7e")
            #expect(try await self.authenticated(client, "7e55e1a7e").status == 200)
            for project in ["7e55e1a7f", "", "7E55E1A7E"] {
                let reply = try await client.call("queue_list", headers: client.headers(["X-Project-ID": project]))
                #expect(reply.status == 403 && reply.body as NSDictionary == ["error": "Not authenticated."])
            }
            let missing = try await client.call("queue_list", headers: client.headers(without: "X-Project-ID"))
            #expect(missing.status == 400, "the shape comes first")
            #expect(try await client.call("queue_list").status == 200)
            // Another identity binds the connection to its project.
            #expect(try await self.authenticated(client, "other").status == 200)
            #expect(try await client.call("queue_list").status == 403)
            #expect(
                try await client.call("queue_list", headers: client.headers(["X-Project-ID": "other"])).status == 200)
        }
    }

    @Test func `The shape of a request is checked before its identity`() async throws {
        try await withAPI(sessionAuthenticator: TokenAuthenticator()) { api async throws in
            let client = try await api.actions(project: "p")
            #expect(try await client.call("queue_glorify").status == 400)
            #expect(try await client.call("message_get", #"{"queue_name": "q"}"#).status == 400)
            #expect(try await client.call("queue_create", #"{"queue_name": "m@rs"}"#).status == 403)
        }
    }

    @Test func `A connection that says nothing of itself ends with 4003`() async throws {
        var limits = SessionLimits()
        limits.anonymousMax = .milliseconds(50)
        try await withAPI(sessionLimits: limits, sessionAuthenticator: TokenAuthenticator()) { api async throws in
            let client = try await api.actions()
            let close = try #require(try await client.socket.next())
            #expect(close.code == 4003 && close.reason == "Not authenticated in time.")
        }
    }

    // MARK: - Signatures

    private func signed(
        _ client: ActionClient, queue: String = "myqueue", methods: [String] = ["GET"], key: String = "secret",
        expires: String = "2100-01-01T00:00:00", asTexts: Bool = false, _ changes: [String: Any] = [:]
    ) throws -> String {
        let paths = ["/v2/queues/\(queue)/messages"]
        let url = SignedURL(
            paths: paths, methods: methods, project: client.project, expiry: try #require(SignedURLExpiry(expires)))
        var headers: [String: Any] = [
            "Client-ID": client.client, "X-Project-ID": client.project,
            "URL-Signature": url.signature(key: try #require(SignedURLKey(key))), "URL-Expires": expires,
        ]
        headers["URL-Methods"] = asTexts ? methods.joined(separator: ",") : methods
        headers["URL-Paths"] = asTexts ? paths.joined(separator: ",") : paths
        headers.merge(changes) { $1 }
        return String(decoding: try JSONSerialization.data(withJSONObject: headers), as: UTF8.self)
    }

    @Test(arguments: [false, true])
    func `W-26, W-27, W-28: A signature opens the messages of its queue, by its methods`(isAuthenticated: Bool)
        async throws
    {
        let authenticator = isAuthenticated ? TokenAuthenticator() : nil
        try await withAPI(signedURLKeys: ["newer", "secret"], sessionAuthenticator: authenticator) { api async throws in
            let client = try await api.actions()
            let owner = api.client(project: client.project)
            _ = try await owner.postMessages(["1"], to: "myqueue")
            let queue = #"{"queue_name": "myqueue"}"#
            let headers = try self.signed(client)
            let listed = try await client.call("message_list", queue, headers: headers)
            #expect(listed.status == 200 && listed.objects("messages").count == 1)
            #expect(
                try await client.call("message_list", queue, headers: self.signed(client, asTexts: true)).status == 200)
            let id = try #require(listed.objects("messages").first?["id"] as? String)
            let one = #"{"queue_name": "myqueue", "message_id": "\#(id)"}"#
            #expect(try await client.call("message_get", one, headers: headers).status == 200)
            // Another queue, by the body alone and by the path alone.
            func refused(_ action: String, _ body: String, _ headers: String) async throws {
                let reply = try await client.call(action, body, headers: headers)
                #expect(
                    reply.status == 403 && reply.body as NSDictionary == ["error": "Not authentified."],
                    "\(action) \(headers)")
            }
            try await refused("message_list", #"{"queue_name": "other"}"#, headers)
            try await refused("message_list", queue, self.signed(client, queue: "other"))
            try await refused("message_delete", one, headers)
            try await refused("message_delete_many", #"{"queue_name": "myqueue", "pop": 1}"#, headers)
            try await refused("message_post", #"{"queue_name": "myqueue", "messages": [{"body": 1}]}"#, headers)
            try await refused("message_list", queue, self.signed(client, key: "unknown"))
            try await refused("message_list", queue, self.signed(client, expires: "2001-01-01T00:00:00"))
            try await refused("message_list", queue, self.signed(client, ["URL-Signature": "0"]))
            try await refused("message_list", queue, self.signed(client, ["URL-Expires": "never"]))
            try await refused("message_list", queue, self.signed(client, ["URL-Methods": ["GET", "DELETE"]]))
            try await refused("message_list", queue, self.signed(client, ["URL-Methods": [String]()]))
            try await refused("message_list", queue, self.signed(client, ["X-Project-ID": "another"]))
            for action in ["queue_get", "queue_delete", "claim_create", "subscription_create", "subscription_list"] {
                try await refused(action, queue, self.signed(client, methods: ["DELETE", "GET", "POST", "PUT"]))
            }
            let all = try self.signed(client, methods: ["DELETE", "GET", "POST"])
            let posted = #"{"queue_name": "myqueue", "messages": [{"body": 2}]}"#
            #expect(try await client.call("message_post", posted, headers: all).status == 201)
            #expect(try await client.call("message_delete", one, headers: all).status == 204)
            let popped = try await client.call(
                "message_delete_many", #"{"queue_name": "myqueue", "pop": 5}"#, headers: all)
            #expect(popped.objects("messages").count == 1)
        }
    }

    @Test func `An identity of the connection counts, and no signature beside it`() async throws {
        try await withAPI(signedURLKeys: ["secret"], sessionAuthenticator: TokenAuthenticator()) { api async throws in
            let client = try await api.actions(project: "p")
            #expect(try await self.authenticated(client, "p").status == 200)
            let headers = try self.signed(client, key: "unknown")
            #expect(try await client.call("queue_list", headers: headers).status == 200)
        }
    }
}
