import API
import TestKit
import Testing

/// The headers that browsers get (docs/configuration.md, `cors.*`).
struct CORSTests {
    private let origin = "https://console.example"

    private func rules(_ origins: [String], credentials: Bool = true) -> AccessRules {
        var rules = AccessRules()
        rules.cors.origins = origins
        rules.cors.hasCredentials = credentials
        rules.cors.headersAllowed = ["X-Auth-Token", "Client-ID", "X-Project-Id", "URL-Signature"]
        rules.cors.headersExposed = ["X-OpenStack-Request-ID"]
        return rules
    }

    private func isSilent(_ reply: HTTPReply) -> Bool {
        !reply.headers.contains { $0.name.lowercased().hasPrefix("access-control") }
    }

    @Test func `A page of an allowed origin may read every answer, also an error`() async throws {
        try await withAPI(rules: self.rules([self.origin])) { api async throws in
            let client = api.client()
            for path in ["/v2/queues", "/v2/nope", "/v2/queues?limit=0", "/"] {
                let reply = try await client.send("GET", path, headers: [("Origin", self.origin)])
                #expect(reply["Access-Control-Allow-Origin"] == self.origin && reply["Vary"] == "Origin", "\(path)")
                #expect(reply["Access-Control-Allow-Credentials"] == "true")
                #expect(reply["Access-Control-Expose-Headers"] == "X-OpenStack-Request-ID")
            }
            // What another origin is answered, or a caller without one, must not be cached for this one.
            let other = try await client.send("GET", "/v2/queues", headers: [("Origin", "https://evil.example")])
            #expect(other.status == 200 && self.isSilent(other) && other["Vary"] == "Origin")
            for path in ["/v2/queues", "/v2/nope", "/"] {
                let reply = try await client.get(path)
                #expect(self.isSilent(reply) && reply["Vary"] == "Origin", "\(path)")
            }
        }
    }

    @Test func `A preflight is answered for allowed methods and headers, in any case`() async throws {
        try await withAPI(rules: self.rules([self.origin])) { api async throws in
            let caller = HTTPCaller(api.address)
            func preflight(_ method: String, _ headers: String?, origin: String? = nil) async throws -> HTTPReply {
                let wanted = headers.map { [("Access-Control-Request-Headers", $0)] } ?? []
                return try await caller.send(
                    "OPTIONS", "/v2/queues/q",
                    headers: [("Origin", origin ?? self.origin), ("Access-Control-Request-Method", method)] + wanted)
            }
            let good = try await preflight("PATCH", "client-id, X-PROJECT-ID,content-type,url-signature")
            #expect(good.status == 200 && good.body.isEmpty && good["Allow"] == "GET, PUT, PATCH, DELETE")
            #expect(good["Access-Control-Allow-Origin"] == self.origin && good["Vary"] == "Origin")
            #expect(good["Access-Control-Allow-Methods"] == "PATCH" && good["Access-Control-Max-Age"] == "3600")
            #expect(
                good["Access-Control-Allow-Headers"] == "client-id, X-PROJECT-ID,content-type,url-signature")
            #expect(good["Access-Control-Allow-Credentials"] == "true")
            #expect(try await preflight("GET", nil)["Access-Control-Allow-Methods"] == "GET")
            for reply in [
                try await preflight("REPORT", nil), try await preflight("GET", "X-Unheard"),
                try await preflight("GET", nil, origin: "https://evil.example"),
            ] {
                #expect(reply.status == 200 && self.isSilent(reply) && reply["Vary"] == "Origin")
            }
        }
    }

    @Test func `Where all origins are allowed none may send credentials`() async throws {
        try await withAPI(rules: self.rules(["*"])) { api async throws in
            let reply = try await api.client().send("GET", "/v2/queues", headers: [("Origin", self.origin)])
            #expect(reply["Access-Control-Allow-Origin"] == self.origin)
            #expect(reply["Access-Control-Allow-Credentials"] == nil)
        }
    }

    @Test func `Without origins there is no CORS`() async throws {
        try await withAPI { api async throws in
            let reply = try await api.client().send("GET", "/v2/queues", headers: [("Origin", self.origin)])
            #expect(reply.status == 200 && self.isSilent(reply) && reply["Vary"] == nil)
        }
    }
}
