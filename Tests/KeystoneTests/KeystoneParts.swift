import Domain
import Foundation
import HTTPClient
import Keystone
import Logging
import NIOConcurrencyHelpers
import Runtime
import TestKit
import Testing

/// A client and a validator over it, with a clock that a test may move.
struct KeystoneParts {
    let client: KeystoneClient
    let validator: TokenValidator
    let clock: MovableClock

    func validated(_ token: String, allowsExpired: Bool = false) async throws -> ValidatedToken? {
        try await self.validator.validated(try #require(KeystoneToken(token)), allowsExpired: allowsExpired)?
            .value
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

final class MovableClock: Sendable {
    private let ahead = NIOLockedValueBox<Double>(0)
    var now: Timestamp {
        Timestamp(milliseconds: Int64((Date().timeIntervalSince1970 + self.ahead.withLockedValue { $0 }) * 1000))
    }
    func move(by seconds: Double) { self.ahead.withLockedValue { $0 += seconds } }
}

func withParts(
    _ keystone: KeystoneServer, url: String? = nil, user: String = "herald",
    password: String = KeystoneServer.password,
    project: String? = "service", authorities: String? = nil, lifetime: Duration = .seconds(300),
    timeout: Duration = .seconds(20), validationsMax: Int = 4096, _ body: (KeystoneParts) async throws -> Void
) async throws {
    let account = KeystoneAccount(
        url: try KeystoneURL(url ?? keystone.url), user: user, userDomain: "Default", password: password,
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
        KeystoneParts(
            client: client,
            validator: TokenValidator(client, limits: bounds, clock: { clock.now }, logger: logger), clock: clock))
}
