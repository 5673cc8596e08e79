import API
import Domain
import Foundation
import Keystone
import Logging
import NIOCore
import TestKit

/// What an API asks a Keystone with.
struct KeystoneParts {
    let validator: TokenValidator
    let authenticator: KeystoneAuthenticator
}

/// Runs an API whose callers a Keystone knows.
///
/// - Parameters:
///   - url: Where it finds Keystone; nil: where it is.
///   - checkIntervalMin: How soon an identity that lasts is looked at again, however short `cacheTime` is.
func withKeystone(
    _ keystone: KeystoneServer, url: String? = nil, cacheTime: Duration = .seconds(300),
    timeout: Duration = .seconds(60), checkIntervalMin: TimeAmount = .milliseconds(50),
    services: KeystoneAuthenticator.ServiceRules = .init(),
    rules: AccessRules = AccessRules(), signedURLKeys: [String] = ["secret"],
    _ body: (RunningAPI, KeystoneParts) async throws -> Void
) async throws {
    let account = KeystoneAccount(
        url: try KeystoneURL(url ?? keystone.url), user: "herald", userDomain: "Default",
        password: KeystoneServer.password, project: KeystoneAccount.Project(name: "service", domain: "Default"))
    var limits = KeystoneClient.Limits()
    limits.timeout = timeout
    var bounds = TokenValidator.Limits()
    bounds.lifetime = cacheTime
    let clock: @Sendable () -> Timestamp = { .ofThisMachine() }
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let client = try KeystoneClient(account, limits: limits, userAgent: "test/1", clock: clock, logger: logger)
    defer { client.stop() }
    let validator = TokenValidator(client, limits: bounds, clock: clock, logger: logger)
    let authenticator = KeystoneAuthenticator(
        validator, services: services, publicURL: "https://identity.example/v3", checkIntervalMin: checkIntervalMin)
    let parts = KeystoneParts(validator: validator, authenticator: authenticator)
    // A Keystone that many tests ask at once takes its time.
    var sessionLimits = SessionLimits()
    sessionLimits.anonymousMax = .minutes(10)
    try await withAPI(
        signedURLKeys: signedURLKeys, rules: rules, authenticator: authenticator, sessionLimits: sessionLimits,
        sessionAuthenticator: authenticator
    ) { api async throws in
        try await body(api, parts)
    }
}

extension ActionClient {
    /// Says who the connection acts for.
    func authenticate(_ token: String, _ more: [String: String] = [:]) async throws -> ActionReply {
        try await self.call("authenticate", headers: self.headers(["X-Auth-Token": token].merging(more) { $1 }))
    }

    /// The close frame that ends the connection; frames before it are passed.
    func close() async throws -> (code: Int?, reason: String) {
        while let frame = try await self.socket.next() {
            if frame.opcode == 8 { return (frame.code, frame.reason) }
        }
        return (nil, "")
    }
}

extension RunningAPI {
    /// A request with a token, and nothing else that says who sends it.
    func send(
        _ method: String, _ path: String, token: String?, _ body: String? = nil, headers: [(String, String)] = []
    ) async throws -> HTTPReply {
        let caller = HTTPCaller(self.address)
        let own = [("Client-ID", "3381af92-2b9e-11e3-b191-71861300734c")] + (token.map { [("X-Auth-Token", $0)] } ?? [])
        let reply = try await caller.send(method, path, headers: own + headers, body: body)
        await caller.close()
        return reply
    }
}
