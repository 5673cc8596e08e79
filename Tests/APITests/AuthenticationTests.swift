import API
import Domain
import NIOConcurrencyHelpers
import Signing
import TestKit
import Testing

/// The authenticator in front of all routes.
struct AuthenticationTests {
    /// Notes every request, and refuses those of some paths.
    private final class RecordingAuthenticator: Authenticator {
        private let seen = NIOLockedValueBox<[Credentials]>([])

        var credentials: [Credentials] { self.seen.withLockedValue { $0 } }
        var paths: [String] { self.credentials.map(\.path) }

        func identity(
            of credentials: Credentials, at now: Timestamp
        ) async throws(AuthenticationError) -> Identity {
            // As one that asks another service would.
            await Task.yield()
            self.seen.withLockedValue { $0.append(credentials) }
            switch credentials.path {
            case "/v2/queues/refused": throw .unauthenticated(challenge: "Test realm=\"here\"")
            case "/v2/queues/unknown": throw .unavailable(retryAfter: 7)
            default: break
            }
            return Identity(project: "established", user: "u", roles: ["admin"], expiry: nil, origin: .none(token: nil))
        }
    }

    @Test func `Every request but those of open routes is authenticated, unknown paths included`() async throws {
        let authenticator = RecordingAuthenticator()
        try await withAPI(authenticator: authenticator) { api async throws in
            let client = api.client()
            for path in ["/", "/v2/", "/v2/ping", "/v2/openapi.json", "/v2/queues", "/v2/nothing", "/nothing"] {
                _ = try await client.get(path)
            }
            #expect(
                authenticator.paths == [
                    "/v2/", "/v2/ping", "/v2/openapi.json", "/v2/queues", "/v2/nothing", "/nothing",
                ])
        }
    }

    @Test func `The identity that was established counts, and not the one a request states`() async throws {
        var rules = AccessRules()
        rules.hasAdministration = true
        try await withAPI(rules: rules, authenticator: RecordingAuthenticator()) { api async throws in
            let one = api.client(project: "one")
            #expect(try await one.send("PUT", "/v2/queues/q").status == 201)
            // Both act for the project that the authenticator named, as administrators.
            #expect(try await api.client(project: "two").send("PUT", "/v2/queues/q").status == 204)
            #expect(try await one.get("/v2/pools").status == 200)
        }
    }

    @Test(
        arguments: [
            "X-Project-Id", "X-PROJECT-ID", "X-Tenant-Id", "X-Tenant", "X-Tenant-Name", "X-Project-Name", "X-Roles",
            "x-ROLES", "X-Role", "X-User-Id", "X-User", "X-User-Name", "X-User-Domain-Id", "X-Domain-Id",
            "X-Project-Domain-Id", "X-Identity-Status", "X-Is-Admin-Project", "OpenStack-System-Scope",
            "X-Service-Catalog", "X-Service-Roles", "X-Service-Project-Id", "X-Service-User-Id",
            "X-Service-Identity-Status", "EXTRA-SPEC",
        ])
    func `What a caller says of itself counts for nothing where callers are authenticated`(
        header: String
    ) async throws {
        let authenticator = RecordingAuthenticator()
        try await withAPI(authenticator: authenticator) { api async throws in
            let client = api.client(project: "p")
            let values = ["admin", "messagecode:x", "Confirmed"].map { (header, $0) }
            for value in values {
                let reply = try await client.caller.send(
                    "PUT", "/v2/queues/q", headers: [("Client-ID", client.client), value])
                #expect(reply.status < 300)
            }
            let credentials = authenticator.credentials
            #expect(credentials.count == 3)
            for one in credentials {
                #expect(one.stated.project == nil && one.stated.user == nil && one.stated.roles.isEmpty)
                #expect(one.token == nil && one.serviceToken == nil && one.signature == nil)
            }
        }
    }

    @Test func `Tokens are read in any letter case`() async throws {
        let authenticator = RecordingAuthenticator()
        try await withAPI(authenticator: authenticator) { api async throws in
            let client = api.client()
            let both = [("X-AUTH-token", "a"), ("X-Storage-Token", "b"), ("x-service-TOKEN", "c")]
            _ = try await client.send("GET", "/v2/queues", headers: both)
            _ = try await client.send("GET", "/v2/queues", headers: [("X-STORAGE-TOKEN", "b")])
            #expect(authenticator.credentials.map(\.token) == ["a", "b"])
            #expect(authenticator.credentials.map(\.serviceToken) == ["c", nil])
        }
    }

    @Test func `A request that nothing proves is 401 with a challenge, and 503 where the answer is not known`()
        async throws
    {
        try await withAPI(authenticator: RecordingAuthenticator()) { api async throws in
            let client = api.client()
            let refused = try await client.get("/v2/queues/refused")
            #expect(refused.status == 401)
            #expect(refused["WWW-Authenticate"] == "Test realm=\"here\"")
            #expect(refused["Content-Type"] == "application/json; charset=UTF-8")
            #expect(refused["X-OpenStack-Request-Id"] != nil)
            let error = try #require(refused.json["error"] as? [String: Any])
            #expect(error["code"] as? Int == 401 && error["title"] as? String == "Unauthorized")
            #expect(error["message"] as? String == "The request you have made requires authentication.")
            let unknown = try await client.get("/v2/queues/unknown")
            #expect(unknown.status == 503 && unknown["Retry-After"] == "7", "\(unknown)")
            #expect(unknown.title == "Service temporarily unavailable")
        }
    }

    @Test func `OPTIONS are authenticated like anything else, but not those of a browser that asks`() async throws {
        let authenticator = RecordingAuthenticator()
        try await withAPI(authenticator: authenticator) { api async throws in
            let client = api.client()
            #expect(try await client.send("OPTIONS", "/v2/queues/refused").status == 401)
            #expect(try await client.send("OPTIONS", "/v2/queues").status == 200)
            let preflight = [("Origin", "https://page.example"), ("Access-Control-Request-Method", "GET")]
            #expect(try await client.send("OPTIONS", "/v2/queues/refused", headers: preflight).status == 200)
            #expect(authenticator.paths == ["/v2/queues/refused", "/v2/queues"])
        }
    }

    @Test(arguments: [
        ("admin", 200), (" Admin ", 200), ("member, ADMIN", 200), ("member", 403), ("", 403), ("administrator", 403),
        ("not admin", 403),
    ])
    func `The policy asks for the whole name of a role, in any letter case`(roles: String, status: Int) async throws {
        var rules = AccessRules()
        rules.hasAdministration = true
        try await withAPI(rules: rules) { api async throws in
            let client = api.client()
            let reply = try await client.caller.send(
                "GET", "/v2/pools", headers: client.headers + [("X-Roles", roles)])
            #expect(reply.status == status)
        }
    }
}
