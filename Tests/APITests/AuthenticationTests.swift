import API
import Domain
import NIOConcurrencyHelpers
import Signing
import TestKit
import Testing

/// The authenticator in front of all routes.
struct AuthenticationTests {
    /// Notes every request, and refuses those of one path.
    private final class RecordingAuthenticator: Authenticator {
        private let seen = NIOLockedValueBox<[String]>([])

        var paths: [String] { self.seen.withLockedValue { $0 } }

        func identity(
            of credentials: Credentials, at now: Timestamp
        ) async throws(AuthenticationError) -> Identity {
            // As one that asks another service would.
            await Task.yield()
            self.seen.withLockedValue { $0.append(credentials.path) }
            if credentials.path == "/v2/queues/refused" { throw .signatureRefused(.signature) }
            return Identity(project: "established", user: "u", roles: ["admin"], expiry: nil, origin: .none)
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
            #expect(try await one.get("/v2/queues/refused").status == 404)
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
