import Domain
import Foundation
import HTTPClient
import Keystone
import Logging
import NIOConcurrencyHelpers
import TestKit
import Testing

/// A real Keystone, asked and failing in each way.
struct KeystoneClientTests {
    /// A client and a validator over it, with a clock that a test may move.
    private struct Parts {
        let client: KeystoneClient
        let validator: TokenValidator
        let clock: MovableClock

        func validated(_ token: String, allowsExpired: Bool = false) async throws -> ValidatedToken? {
            try await self.validator.validated(try #require(KeystoneToken(token)), allowsExpired: allowsExpired)
        }

        /// What is thrown.
        func trouble(_ token: String) async throws -> KeystoneTrouble? {
            do {
                let validated = try await self.validated(token)
                Issue.record("\(String(describing: validated))")
                return nil
            } catch {
                return error as? KeystoneTrouble
            }
        }
    }

    private final class MovableClock: Sendable {
        private let ahead = NIOLockedValueBox<Double>(0)
        var now: Timestamp {
            Timestamp(milliseconds: Int64((Date().timeIntervalSince1970 + self.ahead.withLockedValue { $0 }) * 1000))
        }
        func move(by seconds: Double) { self.ahead.withLockedValue { $0 += seconds } }
    }

    private func with(
        _ keystone: KeystoneServer, url: String? = nil, password: String = KeystoneServer.password,
        project: String? = "service", authorities: String? = nil, lifetime: Duration = .seconds(300),
        timeout: Duration = .seconds(20), validationsMax: Int = 4096, _ body: (Parts) async throws -> Void
    ) async throws {
        let account = KeystoneAccount(
            url: try KeystoneURL(url ?? keystone.url), user: "herald", userDomain: "Default", password: password,
            project: project.map { KeystoneAccount.Project(name: $0, domain: "Default") })
        var limits = KeystoneClient.Limits()
        limits.timeout = timeout
        var bounds = TokenValidator.Limits()
        bounds.lifetime = lifetime
        bounds.validationsMax = validationsMax
        let clock = MovableClock()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let client = try KeystoneClient(
            account, limits: limits, authorities: authorities, userAgent: "test/1", clock: { clock.now }, logger: logger
        )
        defer { client.stop() }
        try await body(
            Parts(
                client: client,
                validator: TokenValidator(client, limits: bounds, clock: { clock.now }, logger: logger), clock: clock))
    }

    // MARK: - What it says

    @Test func `Tokens of every scope are read as Keystone gives them`() async throws {
        try await KeystoneServer.with { keystone async throws in
            try await self.with(keystone) { parts async throws in
                let member = try #require(try await parts.validated(keystone.token(of: "member")))
                #expect(member.user == keystone.user("member") && member.project == keystone.project("alpha"))
                #expect(member.roles == ["member", "reader"] && member.domain == nil && !member.isSystemScoped)
                #expect(member.accessRules == nil && member.expiry > parts.clock.now)
                let unscoped = try #require(try await parts.validated(keystone.token(of: "member", for: .none)))
                #expect(unscoped.project == nil && unscoped.domain == nil && unscoped.roles.isEmpty)
                let domain = try #require(try await parts.validated(keystone.token(of: "member", for: .domain)))
                #expect(domain.domain == "default" && domain.project == nil && domain.roles == ["reader"])
                let system = try #require(try await parts.validated(keystone.token(of: "boss", for: .system)))
                #expect(system.isSystemScoped && system.roles.contains("admin"))
                let restricted = try await keystone.restrictedToken(
                    of: "member", rules: [("messaging", "GET", "/v2/queues/*")])
                let rules = try #require(try await parts.validated(restricted)).accessRules
                #expect(rules == [AccessRule(service: "messaging", method: "GET", path: "/v2/queues/*")])
            }
        }
    }

    @Test func `Tokens that do not hold are rejected`() async throws {
        try await KeystoneServer.with { keystone async throws in
            try await self.with(keystone, lifetime: .zero) { parts async throws in
                for token in ["malformed", "gAAAAAbutNotReally", String(repeating: "x", count: 8192)] {
                    #expect(try await parts.validated(token) == nil)
                }
                let expired = try await keystone.token(of: "member", endingIn: -60)
                #expect(try await parts.validated(expired) == nil)
                #expect(try await parts.validated(expired, allowsExpired: true)?.user == keystone.user("member"))
                let longExpired = try await keystone.token(of: "member", endingIn: -7200)
                #expect(try await parts.validated(longExpired, allowsExpired: true) == nil)
                let revoked = try await keystone.token(of: "member")
                #expect(try await parts.validated(revoked) != nil)
                try await keystone.revoke(revoked)
                #expect(try await parts.validated(revoked) == nil)
            }
        }
    }

    @Test(arguments: [nil, "service"])
    func `It asks as a user with a project or without one, at the root or at v3`(project: String?) async throws {
        try await KeystoneServer.with { keystone async throws in
            for suffix in ["", "/", "/v3", "/v3/"] {
                try await self.with(keystone, url: keystone.url + suffix, project: project) { parts async throws in
                    let token = try await keystone.token(of: "member")
                    // Without a project the user has no role by which it may ask: Keystone says 403.
                    if project == nil {
                        #expect(try await parts.trouble(token) == .status(403))
                    } else {
                        #expect(try await parts.validated(token) != nil)
                    }
                }
            }
        }
    }

    // MARK: - How often

    @Test func `One validation and one login for all that wait, and none for what is known`() async throws {
        try await KeystoneServer.with { keystone async throws in
            try await self.with(keystone) { parts async throws in
                let token = try await keystone.token(of: "member")
                let before = try keystone.requests().count
                try await withThrowingTaskGroup(of: ValidatedToken?.self) { group in
                    for _ in 0..<200 { group.addTask { try await parts.validated(token) } }
                    for try await validated in group { #expect(validated != nil) }
                }
                let requests = try keystone.requests().dropFirst(before)
                #expect(requests.count(where: \.isValidation) == 1 && requests.count(where: \.isLogin) == 1)
                // A rejection is not kept, and is asked about again.
                for _ in 0..<2 { #expect(try await parts.validated("malformed") == nil) }
                let later = try keystone.requests().dropFirst(before)
                #expect(later.count(where: \.isValidation) == 3 && later.count(where: \.isLogin) == 1)
            }
        }
    }

    @Test func `A token that is known ends with its expiry, and is asked about again when its time is over`()
        async throws
    {
        try await KeystoneServer.with { keystone async throws in
            try await self.with(keystone) { parts async throws in
                let token = try await keystone.token(of: "member")
                #expect(try await parts.validated(token) != nil)
                let count = try keystone.requests().count
                parts.clock.move(by: 7200)
                #expect(try await parts.validated(token) == nil)
                // Keystone was not asked, and a service may still act for the caller.
                #expect(try await parts.validated(token, allowsExpired: true) != nil)
                #expect(try keystone.requests().count == count)
            }
            try await self.with(keystone, lifetime: .milliseconds(1)) { parts async throws in
                let token = try await keystone.token(of: "member")
                #expect(try await parts.validated(token) != nil)
                try await keystone.revoke(token)
                let isNoticed = try await eventually { try await parts.validated(token) == nil ? true : nil }
                #expect(isNoticed == true)
            }
        }
    }

    @Test func `More questions at once than may be are not asked`() async throws {
        try await KeystoneServer.with { keystone async throws in
            try await self.with(keystone, validationsMax: 1) { parts async throws in
                let (one, other) = (
                    try await keystone.token(of: "member"), try await keystone.token(of: "other", for: .project("beta"))
                )
                try keystone.set(.hold)
                async let held = parts.validated(one)
                let isOverloaded = try await eventually {
                    // Until the first is under way this one may be it.
                    try await parts.trouble(other) == .overloaded ? true : nil
                }
                #expect(isOverloaded == true)
                try keystone.set(nil)
                #expect(try await held != nil)
            }
        }
    }

    // MARK: - Trouble

    @Test func `Without Keystone known tokens go on, and of others nothing is said`() async throws {
        try await KeystoneServer.with { keystone async throws in
            try await self.with(keystone) { parts async throws in
                let (known, other) = (try await keystone.token(of: "member"), try await keystone.token(of: "reader"))
                #expect(try await parts.validated(known) != nil && parts.validator.trouble == nil)
                await keystone.stop()
                #expect(try await parts.validated(known) != nil)
                let trouble = try await parts.trouble(other)
                #expect(trouble == .unreachable(.connect) && parts.validator.trouble == trouble)
                #expect(try await parts.trouble("malformed") == .unreachable(.connect))
                try await keystone.restart()
                #expect(try await parts.validated(other) != nil && parts.validator.trouble == nil)
                #expect(try await parts.validated("malformed") == nil)
            }
        }
    }

    @Test func `A connection that fails is tried again within the timeout`() async throws {
        try await KeystoneServer.with { keystone async throws in
            try await self.with(keystone) { parts async throws in
                let token = try await keystone.token(of: "member")
                await keystone.stop()
                async let validated = parts.validated(token)
                try await keystone.restart()
                // It had given up before, or has found Keystone on one of its tries: no wrong answer either way.
                if let found = try? await validated { #expect(found.user == keystone.user("member")) }
            }
        }
    }

    @Test(arguments: [500, 503, 429, 400, 302, 204])
    func `A status that says nothing about a token is no answer`(status: Int) async throws {
        try await KeystoneServer.with { keystone async throws in
            try await self.with(keystone) { parts async throws in
                let (known, other) = (try await keystone.token(of: "member"), try await keystone.token(of: "reader"))
                #expect(try await parts.validated(known) != nil)
                try keystone.set(.status(status))
                #expect(try await parts.validated(known) != nil)
                #expect(try await parts.trouble(other) == .status(status))
                try keystone.set(nil)
                #expect(try await parts.validated(other) != nil)
            }
        }
    }

    @Test func `A Keystone that does not answer costs no more than the timeout`() async throws {
        try await KeystoneServer.with { keystone async throws in
            try await self.with(keystone, timeout: .milliseconds(500)) { parts async throws in
                let token = try await keystone.token(of: "member")
                try keystone.set(.hold)
                #expect(try await parts.trouble(token) == .late)
                try keystone.set(nil)
            }
        }
    }

    @Test func `A service token that is refused is replaced once, and then nothing is said`() async throws {
        try await KeystoneServer.with { keystone async throws in
            try await self.with(keystone, lifetime: .zero) { parts async throws in
                let token = try await keystone.token(of: "member")
                #expect(try await parts.validated(token) != nil)
                let before = try keystone.requests().count
                // The service token and the caller's are both gone: the one is made anew, the other does not hold.
                try keystone.replaceKeys()
                #expect(try await parts.validated(token) == nil)
                let requests = try keystone.requests().dropFirst(before)
                #expect(requests.map(\.status) == [401, 201, 404])
                #expect(try await parts.validated(keystone.token(of: "member")) != nil)
                try keystone.set(.status(401))
                #expect(try await parts.trouble(token) == .loginRefused)
                try keystone.set(nil)
                let isBack = try await eventually { try? await parts.validated(keystone.token(of: "member")) }
                #expect(isBack != nil)
            }
        }
    }

    @Test func `A password that was changed is trouble, and over when it is changed back`() async throws {
        try await KeystoneServer.with { keystone async throws in
            try await self.with(keystone, lifetime: .zero) { parts async throws in
                let token = try await keystone.token(of: "member")
                #expect(try await parts.validated(token) != nil)
                // Keystone revokes the tokens of a user whose password changes.
                try await keystone.setPassword(of: "herald", to: "another")
                #expect(try await parts.trouble(token) == .loginRefused)
                let count = try keystone.requests().count(where: \.isLogin)
                for _ in 0..<20 { #expect(try await parts.trouble(token) == .loginRefused) }
                #expect(try keystone.requests().count(where: \.isLogin) <= count + 1, "the user would be locked")
                try await keystone.setPassword(of: "herald", to: KeystoneServer.password)
                let isBack = try await eventually { try? await parts.validated(token) }
                #expect(isBack != nil)
            }
            try await self.with(keystone, password: "wrong") { parts async throws in
                #expect(try await parts.trouble(keystone.token(of: "member")) == .loginRefused)
            }
        }
    }

    // MARK: - TLS

    @Test func `Keystone's certificate has to be signed by the authorities of the file`() async throws {
        try await KeystoneServer.with(certificate: .valid) { keystone async throws in
            let secure = try #require(keystone.secureURL)
            let token = try await keystone.token(of: "member")
            try await self.with(keystone, url: secure, authorities: keystone.certificate) { parts async throws in
                #expect(try await parts.validated(token) != nil)
            }
            // Those of the system do not know it.
            try await self.with(keystone, url: secure) { parts async throws in
                #expect(try await parts.trouble(token) == .unreachable(.tls))
            }
            try await self.with(keystone, url: secure, authorities: "/nowhere.pem") { parts async throws in
                #expect(try await parts.trouble(token) == .unreachable(.tls))
            }
        }
    }

    @Test(arguments: [TestRelay.Certificate.otherName, .expired])
    func `A certificate of another name, or of the past, is refused`(certificate: TestRelay.Certificate) async throws {
        try await KeystoneServer.with(certificate: certificate) { keystone async throws in
            let token = try await keystone.token(of: "member")
            try await self.with(keystone, url: keystone.secureURL, authorities: keystone.certificate) {
                parts async throws in
                #expect(try await parts.trouble(token) == .unreachable(.tls))
            }
        }
    }
}
