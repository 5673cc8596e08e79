import API
import Domain
import Foundation
import NIOConcurrencyHelpers
import NIOCore
import Operations
import Policy
import Signing
import TestKit
import Testing

/// What takes longer than a moment ends with the right to it: a wait, a slow body, a stream.
struct StandingAccessTests {
    /// Returns when Keystone has been asked about a token that was revoked, so that nothing is kept of it.
    private func revoke(_ token: String, _ keystone: KeystoneServer, _ api: RunningAPI) async throws {
        try await keystone.revoke(token)
        let isKnown = try await eventually {
            try await api.send("GET", "/v2/queues", token: token).status == 401 ? true : nil
        }
        #expect(isKnown == true)
    }

    private static let message = #"{"messages": [{"body": 1}]}"#

    @Test(arguments: ["GET /v2/queues/q/messages?echo=true&wait=20", "POST /v2/queues/q/claims?wait=20"])
    func `A request that waits gets nothing once its token is revoked, and claims nothing`(request: String) async throws
    {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone, cacheTime: .milliseconds(100), checkIntervalMin: .zero) {
            api, _ async throws in
            let (token, owner) = (try await keystone.token(of: "member"), try await keystone.token(of: "reader"))
            let parts = request.split(separator: " ").map(String.init)
            async let waiting = api.send(parts[0], parts[1], token: token)
            let waits = try await eventually { api.waits.count == 1 ? true : nil }
            #expect(waits == true)
            try await self.revoke(token, keystone, api)
            #expect(try await api.send("POST", "/v2/queues/q/messages", token: owner, Self.message).status == 201)
            let reply = try await waiting
            #expect(reply.status == 401 && reply["WWW-Authenticate"]?.hasPrefix("Keystone uri=") == true, "\(reply)")
            #expect(api.waits.count == 0)
            let claimed = try await api.send("POST", "/v2/queues/q/claims", token: owner, "{}")
            #expect(claimed.status == 201 && claimed.objects("messages").count == 1, "\(claimed)")
        }
    }

    @Test func `A request that waits goes on with a token that holds, and while Keystone is away`() async throws {
        let keystone = try await KeystoneServer.shared(by: Self.self)
        try await withKeystone(keystone, cacheTime: .milliseconds(1), checkIntervalMin: .zero) { api, _ async throws in
            let token = try await keystone.token(of: "member")
            for isAway in [false, true] {
                async let waiting = api.send("POST", "/v2/queues/q/claims?wait=20", token: token)
                let waits = try await eventually { api.waits.count == 1 ? true : nil }
                #expect(waits == true)
                if isAway { await keystone.stop() }
                try await self.post(api, project: keystone.project("alpha"))
                let reply = try await waiting
                #expect(reply.status == 201, "\(isAway) \(reply)")
            }
            try await keystone.restart()
        }
    }

    /// Posts as the owner of the key of pre-signed URLs: without Keystone.
    private func post(_ api: RunningAPI, project: String) async throws {
        let expires = "2100-01-01T00:00:00"
        let url = SignedURL(
            paths: ["/v2/queues/q/messages"], methods: ["POST"], project: project,
            expiry: try #require(SignedURLExpiry(expires)))
        let headers = [
            ("URL-Signature", url.signature(key: try #require(SignedURLKey("secret")))), ("URL-Methods", "POST"),
            ("URL-Paths", "/v2/queues/q/messages"), ("URL-Expires", expires), ("X-Project-Id", project),
        ]
        let reply = try await api.send("POST", "/v2/queues/q/messages", token: nil, Self.message, headers: headers)
        #expect(reply.status == 201, "\(reply)")
    }

    @Test func `A body that arrives after its token was revoked changes nothing`() async throws {
        let keystone = try await KeystoneServer.shared()
        try await withKeystone(keystone, cacheTime: .milliseconds(100), checkIntervalMin: .zero) {
            api, _ async throws in
            let (token, owner) = (try await keystone.token(of: "member"), try await keystone.token(of: "reader"))
            let caller = HTTPCaller(api.address)
            let head =
                "POST /v2/queues/slow/messages HTTP/1.1\r\nHost: x\r\nX-Auth-Token: \(token)\r\n"
                + "Client-ID: 3381af92-2b9e-11e3-b191-71861300734c\r\nExpect: 100-continue\r\n"
                + "Content-Length: \(Self.message.utf8.count)\r\n\r\n"
            // The server asks for the body once the head is admitted.
            #expect(try await caller.send(raw: head, hasBody: false).status == 100)
            try await self.revoke(token, keystone, api)
            #expect(try await caller.send(raw: Self.message).status == 401)
            let listed = try await api.send("GET", "/v2/queues/slow/messages?echo=true", token: owner)
            #expect(listed.objects("messages").isEmpty, "\(listed)")
        }
    }

    // MARK: - The policy

    /// Authenticates everyone, with the roles of the moment.
    private final class Roles: Authenticator {
        private let roles: NIOLockedValueBox<Set<String>>

        init(_ roles: Set<String>) { self.roles = NIOLockedValueBox(roles) }

        func become(_ roles: Set<String>) { self.roles.withLockedValue { $0 = roles } }

        func identity(
            of credentials: Credentials, at now: Timestamp
        ) async throws(AuthenticationError) -> Identity {
            Identity(
                project: "p", user: "u", roles: self.roles.withLockedValue { $0 }, expiry: nil,
                origin: .token(Identity.Proof(credentials, until: .now())))
        }
    }

    @Test(arguments: ["the policy", "the roles"])
    func `A stream ends when what changes takes the right to it away, and shows nothing more`(change: String)
        async throws
    {
        let rules = try PolicyTests.rules("messages:stream: role:first or role:second\n")
        let roles = Roles(["first"])
        try await withAPI(rules: rules, authenticator: roles) { api async throws in
            let client = api.client(project: "p")
            let stream = try await EventSource.open(
                api.address, "/v2/queues/q/stream?from=oldest", headers: client.headers)
            _ = try await client.postMessages(["1"], to: "q")
            #expect(try await stream.next()?.text.contains(#""body":1"#) == true)
            // What leaves the right as it is leaves the stream as it is.
            rules.policy.replace(with: try PolicyTests.policy("messages:stream: role:second or role:first\n"))
            roles.become(["first", "other"])
            _ = try await client.postMessages(["2"], to: "q")
            #expect(try await stream.next()?.text.contains(#""body":2"#) == true)
            if change == "the policy" {
                rules.policy.replace(with: try PolicyTests.policy("messages:stream: role:second\n"))
            } else {
                roles.become(["other"])
            }
            _ = try await client.postMessages(["3"], to: "q")
            #expect(try await stream.next() == nil && stream.isOver)
        }
    }

    @Test func `A request that waits is held against the policy of the end of its wait`() async throws {
        let rules = try PolicyTests.rules("messages:get_all: ''\n")
        try await withAPI(rules: rules) { api async throws in
            let client = api.client(project: "p")
            async let waiting = client.get("/v2/queues/q/messages?echo=true&wait=20")
            let waits = try await eventually { api.waits.count == 1 ? true : nil }
            #expect(waits == true)
            rules.policy.replace(with: try PolicyTests.policy("messages:get_all: '!'\n"))
            _ = try await api.client(project: "p").postMessages(["1"], to: "q")
            #expect(try await waiting.status == 403)
        }
    }
}
