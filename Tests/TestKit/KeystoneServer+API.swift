import Foundation

/// What is in a Keystone, and how it is changed: by its API, as an administrator does.
extension KeystoneServer {
    package func project(_ name: String) -> String { self.fixture.projects[name] ?? "no project \(name)" }
    package func user(_ name: String) -> String { self.fixture.users[name] ?? "no user \(name)" }

    /// Logs a user in.
    package func token(of user: String, for scope: Scope = .project("alpha")) async throws -> String {
        let auth: [String: Any] = [
            "identity": [
                "methods": ["password"],
                "password": ["user": ["id": self.user(user), "password": Self.password]],
            ], "scope": self.scope(scope),
        ]
        return try await self.token(["auth": auth])
    }

    /// Has a token made that ends so many seconds from now; below zero it has ended.
    package func token(of user: String, for scope: Scope = .project("alpha"), endingIn seconds: Double) async throws
        -> String
    {
        var wanted: [String: Any] = ["user": self.user(user), "seconds": seconds]
        switch scope {
        case .project(let name): wanted["project"] = self.project(name)
        case .domain: wanted["domain"] = "default"
        case .system: wanted["system"] = true
        case .none: break
        }
        return try await self.send("POST", "/test/token", wanted).text
    }

    private func token(_ document: [String: Any]) async throws -> String {
        let reply = try await self.send("POST", "/v3/auth/tokens?nocatalog", document)
        guard let token = reply["X-Subject-Token"] else { throw Failed(description: "\(reply)") }
        return token
    }

    private func scope(_ scope: Scope) -> Any {
        switch scope {
        case .project(let name): ["project": ["id": self.project(name)]]
        case .domain: ["domain": ["id": "default"]]
        case .system: ["system": ["all": true]]
        case .none: "unscoped"
        }
    }

    package func revoke(_ token: String) async throws {
        let reply = try await self.send(
            "DELETE", "/v3/auth/tokens", headers: [("X-Auth-Token", token), ("X-Subject-Token", token)])
        guard reply.status == 204 else { throw Failed(description: "\(reply)") }
    }

    package func setPassword(of user: String, to password: String) async throws {
        _ = try await self.administer(
            "PATCH", "/v3/users/\(self.user(user))", ["user": ["password": password]], expecting: 200)
    }

    /// A token of an application credential of a user, which is for these requests only.
    package func restrictedToken(
        of user: String, for scope: Scope = .project("alpha"), rules: [(service: String, method: String, path: String)]
    ) async throws -> String {
        let token = try await self.token(of: user, for: scope)
        let credential: [String: Any] = [
            "name": UUID().uuidString,
            "access_rules": rules.map { ["service": $0.service, "method": $0.method, "path": $0.path] },
        ]
        let reply = try await self.send(
            "POST", "/v3/users/\(self.user(user))/application_credentials", ["application_credential": credential],
            headers: [("X-Auth-Token", token)])
        let made = try Self.object(reply)["application_credential"] as? [String: Any]
        guard let made, let id = made["id"], let secret = made["secret"] else { throw Failed(description: "\(reply)") }
        let method: [String: Any] = [
            "methods": ["application_credential"], "application_credential": ["id": id, "secret": secret],
        ]
        return try await self.token(["auth": ["identity": method]])
    }

    /// Puts a service into the catalogue, at one URL; what it had of that type is removed.
    package func setService(type: String, name: String, url: String) async throws {
        let listed = try await self.administer("GET", "/v3/services?type=\(type)", nil, expecting: 200)
        for service in listed["services"] as? [[String: Any]] ?? [] {
            let id = service["id"] as? String ?? ""
            _ = try await self.administer("DELETE", "/v3/services/\(id)", nil, expecting: 204)
        }
        let made = try await self.administer(
            "POST", "/v3/services", ["service": ["type": type, "name": name]], expecting: 201)
        let service = (made["service"] as? [String: Any])?["id"] as? String ?? ""
        for interface in ["public", "internal"] {
            let endpoint: [String: Any] = [
                "interface": interface, "service_id": service, "url": url, "region_id": "RegionOne",
            ]
            _ = try await self.administer("POST", "/v3/endpoints", ["endpoint": endpoint], expecting: 201)
        }
    }

    /// A trust as it has it.
    package struct GivenTrust: Sendable, Equatable {
        package let id: String
        package let project: String
        package let roles: [String]
        /// `YYYY-MM-DDThh:mm:ss`; empty: never.
        package let expires: String
    }

    /// The trusts that a user has given to `trustee`, newest last.
    package func trusts(of user: String) async throws -> [GivenTrust] {
        let path = "/v3/OS-TRUST/trusts"
        let listed = try await self.administer("GET", "\(path)?trustor_user_id=\(self.user(user))", nil, expecting: 200)
        var trusts: [GivenTrust] = []
        for listed in listed["trusts"] as? [[String: Any]] ?? [] {
            guard listed["trustee_user_id"] as? String == self.user("trustee"), let id = listed["id"] as? String,
                let project = listed["project_id"] as? String
            else { continue }
            let expires = listed["expires_at"] as? String ?? ""
            let token = try await self.token(of: "trustee", for: .project("service"))
            let reply = try await self.send("GET", "\(path)/\(id)", headers: [("X-Auth-Token", token)])
            let trust = try Self.object(reply)["trust"] as? [String: Any]
            let roles = (trust?["roles"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
            trusts.append(GivenTrust(id: id, project: project, roles: roles, expires: String(expires.prefix(19))))
        }
        return trusts
    }

    /// Has a user give a trust to another, with one of its roles in `alpha`.
    ///
    /// - Parameters:
    ///   - impersonates: Whether its tokens are those of the user who gives it.
    ///   - uses: How many there may be; nil: any number.
    package func giveTrust(
        of user: String, role: String, to trustee: String = "trustee", impersonates: Bool = true, uses: Int? = nil
    ) async throws -> String {
        var trust: [String: Any] = [
            "trustor_user_id": self.user(user), "trustee_user_id": self.user(trustee), "impersonation": impersonates,
            "project_id": self.project("alpha"), "roles": [["name": role]],
        ]
        trust["remaining_uses"] = uses
        let token = try await self.token(of: user)
        let reply = try await self.send(
            "POST", "/v3/OS-TRUST/trusts", ["trust": trust], headers: [("X-Auth-Token", token)])
        guard let made = try Self.object(reply)["trust"] as? [String: Any], let id = made["id"] as? String else {
            throw Failed(description: "\(reply)")
        }
        return id
    }

    package func removeTrust(_ id: String) async throws {
        _ = try await self.administer("DELETE", "/v3/OS-TRUST/trusts/\(id)", nil, expecting: 204)
    }

    /// The settings of a deployment whose trustee may remove trusts, as environment.
    package var trusteeSettings: [String: String] {
        [
            "HERALD_API_KEYSTONE_URL": self.url, "HERALD_TRUSTEE_USER": "trustee",
            "HERALD_TRUSTEE_PASSWORD": Self.password, "HERALD_TRUSTEE_PROJECT": "service",
        ]
    }

    /// The settings of an API that asks it, as environment.
    package var settings: [String: String] {
        [
            "HERALD_API_AUTH": "keystone", "HERALD_API_KEYSTONE_URL": self.url, "HERALD_API_KEYSTONE_USER": "herald",
            "HERALD_API_KEYSTONE_PASSWORD": Self.password, "HERALD_API_KEYSTONE_PROJECT": "service",
        ]
    }

    // MARK: - Its API

    private func administer(
        _ method: String, _ path: String, _ document: [String: Any]?, expecting status: Int
    ) async throws -> [String: Any] {
        let token = try await self.token(of: "admin", for: .project("admin"))
        let reply = try await self.send(method, path, document, headers: [("X-Auth-Token", token)])
        guard reply.status == status else { throw Failed(description: "\(method) \(path): \(reply)") }
        return reply.body.isEmpty ? [:] : try Self.object(reply)
    }

    private static func object(_ reply: HTTPReply) throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any] ?? [:]
    }

    private func send(
        _ method: String, _ path: String, _ document: [String: Any]? = nil, headers: [(String, String)] = []
    ) async throws -> HTTPReply {
        let body = try document.map { String(decoding: try JSONSerialization.data(withJSONObject: $0), as: UTF8.self) }
        let caller = HTTPCaller("127.0.0.1:\(self.port)")
        let reply = try await caller.send(
            method, path, headers: headers + [("Content-Type", "application/json")], body: body)
        await caller.close()
        return reply
    }
}
