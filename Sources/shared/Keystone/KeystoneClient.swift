package import Domain
package import HTTPClient
package import Logging
import NIOConcurrencyHelpers
import NIOCore
import Runtime

/// Asks Keystone, as a user of its own: which tokens hold.
///
/// ```
/// validate ─ service token: kept, or a login ─ GET /v3/auth/tokens
///                 ▲                                │
///                 └──────────── 401, once ─────────┘
/// ```
///
/// Each call ends within the timeout, whatever Keystone does.
package final class KeystoneClient: Sendable {
    package struct Limits: Sendable {
        /// Of a whole call: logins, repeats and pauses included.
        package var timeout: Duration = .seconds(10)
        /// How often a request is repeated whose connection failed.
        package var retriesMax = 3
        /// Connections at once; requests beyond wait for one within their timeout.
        package var connectionsMax = 64

        package init() {}
    }

    /// Bytes of an answer, which has no catalogue.
    private static let bodyBytesMax = 1 << 18
    /// The pause before the first repeat; it doubles with each, and is up to a half shorter, at random.
    private static let pause = Duration.milliseconds(100)

    private enum Work { case login }

    private let account: KeystoneAccount
    private let limits: Limits
    private let client: CurlClient
    private let clock: @Sendable () -> Timestamp
    private let serviceToken = NIOLockedValueBox(ServiceTokenState())
    private let logins = SingleFlight<Work, Result<KeystoneToken, KeystoneTrouble>>(runningMax: 1)

    /// Starts its threads, which run until ``stop()``.
    ///
    /// Keystone may have any address, since an operator chose it: no egress policy applies.
    ///
    /// - Parameters:
    ///   - authorities: The path of a PEM file of certificates that may sign Keystone's; nil: those of the system may.
    ///   - clock: This machine's.
    /// - Throws: ``HTTPClientError`` when the system has no descriptor or thread left.
    package init(
        _ account: KeystoneAccount, limits: Limits = Limits(), authorities: String? = nil, userAgent: String,
        clock: @escaping @Sendable () -> Timestamp, logger: Logger
    ) throws(HTTPClientError) {
        self.account = account
        self.limits = limits
        self.clock = clock
        var bounds = HTTPClientLimits()
        bounds.timeout = limits.timeout
        bounds.connectTimeout = min(bounds.connectTimeout, limits.timeout)
        bounds.transfersMax = limits.connectionsMax
        bounds.bodyReadMax = Self.bodyBytesMax
        bounds.bodyKeptMax = Self.bodyBytesMax
        bounds.fieldsKept = [Self.subjectToken]
        self.client = try CurlClient(
            limits: bounds, egress: nil, userAgent: userAgent, authorities: authorities, logger: logger)
    }

    /// Ends its threads; what is under way fails.
    package func stop() { self.client.stop() }

    // MARK: - Validation

    /// - Parameter allowsExpired: Whether a token holds that has expired a while ago, as Keystone is configured.
    /// - Returns: nil for a token that does not hold.
    package func validate(
        _ token: KeystoneToken, allowsExpired: Bool = false
    ) async throws(KeystoneTrouble) -> ValidatedToken? {
        let deadline = ContinuousClock.now + self.limits.timeout
        var refused: KeystoneToken?
        while true {
            let service = try await self.serviceToken(replacing: refused, until: deadline)
            let response = try await self.exchange(
                .get, allowsExpired ? self.account.url.expiredTokens : self.account.url.tokens,
                headers: [
                    "X-Auth-Token: \(service.text)", "X-Subject-Token: \(token.text)",
                    "OpenStack-Identity-Access-Rules: 1",
                ], until: deadline)
            switch response.status {
            case 200:
                guard response.isBodyWhole, let validated = ValidatedToken(document: response.body) else {
                    throw .unreadable
                }
                return allowsExpired || self.clock() < validated.expiry ? validated : nil
            case 404: return nil
            case 401 where refused == nil: refused = service
            case 401: throw .tokenRefused
            case let status: throw .status(status)
            }
        }
    }

    // MARK: - Login

    /// The token to ask with: one login at a time, for all that wait.
    private func serviceToken(
        replacing refused: KeystoneToken?, until deadline: ContinuousClock.Instant
    ) async throws(KeystoneTrouble) -> KeystoneToken {
        while true {
            if let token = try self.keptToken(replacing: refused) { return token }
            let result = await self.logins.run(.login) { () -> Result<KeystoneToken, KeystoneTrouble> in
                do throws(KeystoneTrouble) {
                    // Another login may have ended just now.
                    if let token = try self.keptToken(replacing: refused) { return .success(token) }
                    return .success(try await self.login(until: deadline))
                } catch {
                    return .failure(error)
                }
            }
            guard let token = try result?.get() else { throw .overloaded }
            // The one that did the work may not know yet that it was refused.
            if token != refused { return token }
        }
    }

    /// nil when a login is due.
    private func keptToken(replacing refused: KeystoneToken?) throws(KeystoneTrouble) -> KeystoneToken? {
        let now = self.clock()
        switch self.serviceToken.withLockedValue({ $0.step(replacing: refused, at: now) }) {
        case .use(let token): return token
        case .login: return nil
        case .refused: throw .loginRefused
        }
    }

    private static let subjectToken = "x-subject-token"

    private func login(until deadline: ContinuousClock.Instant) async throws(KeystoneTrouble) -> KeystoneToken {
        let response = try await self.exchange(
            .post, self.account.url.tokens, headers: ["Content-Type: application/json"],
            body: PinnedBytes(self.account.login.readableBytesView), until: deadline)
        let now = self.clock()
        switch response.status {
        case 201:
            guard response.isBodyWhole, let token = response[Self.subjectToken].flatMap(KeystoneToken.init),
                let validated = ValidatedToken(document: response.body)
            else { throw .unreadable }
            self.serviceToken.withLockedValue { $0.loggedIn(token, until: validated.expiry, at: now) }
            return token
        case 401, 403:
            self.serviceToken.withLockedValue { $0.loginRefused(at: now) }
            throw .loginRefused
        case let status: throw .status(status)
        }
    }

    // MARK: - Exchange

    /// Sends a request, again after a pause while its connection fails.
    private func exchange(
        _ method: HTTPClientRequest.Method, _ url: HTTPURL, headers: [String], body: PinnedBytes? = nil,
        until deadline: ContinuousClock.Instant
    ) async throws(KeystoneTrouble) -> HTTPClientResponse {
        var pause = Self.pause
        var retries = 0
        while true {
            let left = deadline - .now
            guard left > .zero else { throw .late }
            let result = await withCheckedContinuation { continuation in
                self.client.send([
                    HTTPClientRequest(
                        method, url, headers: headers + ["Accept: application/json"], body: body, timeout: left
                    ) { continuation.resume(returning: $0) }
                ])
            }
            switch result {
            case .responded(let response, _): return response
            case .aborted: throw .stopped
            case .failed(.timeout, _): throw .late
            case .failed(let failure, _):
                guard failure.isOfConnection, retries < self.limits.retriesMax, .now + pause < deadline else {
                    throw .unreachable(failure)
                }
                // Cancelled, it returns at once, and the request is repeated early.
                try? await Task.sleep(for: pause * Double.random(in: 0.5...1))
                pause *= 2
                retries += 1
            }
        }
    }
}

extension HTTPClientFailure {
    /// Whether another connection may do better.
    fileprivate var isOfConnection: Bool {
        switch self {
        case .resolve, .connect, .closed: true
        case .tls, .timeout, .malformed, .tooLarge, .forbidden, .other: false
        }
    }
}
