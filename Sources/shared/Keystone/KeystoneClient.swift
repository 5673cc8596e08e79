package import Domain
package import HTTPClient
package import Logging
import NIOConcurrencyHelpers
import NIOCore
import Runtime
import TLS

/// Asks Keystone, as a user of its own: which tokens hold, and for what users gave it trusts.
///
/// ```
/// a question ─ service token: kept, or a login ─ GET /v3/auth/tokens, …
///                   ▲                                │
///                   └──────────── 401, once ─────────┘
/// ```
///
/// Each call ends within the timeout, whatever Keystone does. A login that several wait for has a timeout of its own.
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

    let account: KeystoneAccount
    private let limits: Limits
    private let client: CurlClient
    let clock: @Sendable () -> Timestamp
    private let serviceToken = NIOLockedValueBox(ServiceTokenState())
    private let logins = SharedWork<Result<KeystoneToken, KeystoneTrouble>>()

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
            limits: bounds, egress: nil, userAgent: userAgent, tls: TLSFiles(authorities: authorities), logger: logger)
    }

    /// Ends its threads; what is under way fails.
    package func stop() { self.client.stop() }

    /// When a call that begins now ends.
    var deadline: ContinuousClock.Instant { .now + self.limits.timeout }

    // MARK: - Validation

    /// - Parameter allowsExpired: Whether a token holds that has expired a while ago, as Keystone is configured.
    /// - Returns: nil for a token that does not hold.
    package func validate(
        _ token: KeystoneToken, allowsExpired: Bool = false
    ) async throws(KeystoneTrouble) -> ValidatedToken? {
        let url = allowsExpired ? self.account.url.expiredTokens : self.account.url.tokens
        let response = try await self.asService(until: self.deadline) { service, deadline throws(KeystoneTrouble) in
            try await self.exchange(
                .get, url, headers: Self.validation(of: token, by: service), until: deadline)
        }
        switch response.status {
        case 200:
            let validated = try Self.validated(response)
            return allowsExpired || self.clock() < validated.expiry ? validated : nil
        // What its server, or a proxy, does not even pass on is no token of Keystone.
        case 400, 404, 414, 431: return nil
        case let status: throw .status(status)
        }
    }

    static func validation(of token: KeystoneToken, by asker: KeystoneToken) -> [String] {
        [
            "X-Auth-Token: \(asker.text)", "X-Subject-Token: \(token.text)", "OpenStack-Identity-Access-Rules: 1",
        ]
    }

    /// Reads what an answer says of a token.
    static func validated(_ response: HTTPClientResponse) throws(KeystoneTrouble) -> ValidatedToken {
        guard response.isBodyWhole, let validated = ValidatedToken(document: response.body) else { throw .unreadable }
        return validated
    }

    // MARK: - Login

    /// Asks with the service token, and once more with a new one if Keystone does not take it.
    func asService(
        until deadline: ContinuousClock.Instant,
        _ ask: (KeystoneToken, ContinuousClock.Instant) async throws(KeystoneTrouble) -> HTTPClientResponse
    ) async throws(KeystoneTrouble) -> HTTPClientResponse {
        let service = try await self.serviceToken(until: deadline)
        let response = try await ask(service, deadline)
        guard response.status == 401 else { return response }
        let again = try await ask(try await self.serviceToken(replacing: service, until: deadline), deadline)
        guard again.status != 401 else { throw .tokenRefused }
        return again
    }

    /// The token to ask with: one login at a time, for all that wait.
    func serviceToken(
        replacing refused: KeystoneToken? = nil, until deadline: ContinuousClock.Instant
    ) async throws(KeystoneTrouble) -> KeystoneToken {
        while true {
            if let token = try self.keptToken(replacing: refused) { return token }
            let result = await self.logins.value(until: deadline) { () -> Result<KeystoneToken, KeystoneTrouble> in
                do throws(KeystoneTrouble) {
                    // Another login may have ended just now.
                    if let token = try self.keptToken(replacing: refused) { return .success(token) }
                    return .success(try await self.login(until: .now + self.limits.timeout))
                } catch {
                    return .failure(error)
                }
            }
            guard let token = try result?.get() else { throw .late }
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

    static let subjectToken = "x-subject-token"

    private func login(until deadline: ContinuousClock.Instant) async throws(KeystoneTrouble) -> KeystoneToken {
        let response = try await self.exchange(
            .post, self.account.url.tokens, body: self.account.login, until: deadline)
        let now = self.clock()
        switch response.status {
        case 201:
            let (token, validated) = try Self.loggedIn(response)
            self.serviceToken.withLockedValue { $0.loggedIn(token, of: validated, at: now) }
            return token
        case 401, 403:
            self.serviceToken.withLockedValue { $0.loginRefused(at: now) }
            throw .loginRefused
        case let status: throw .status(status)
        }
    }

    /// Reads the answer of a login.
    static func loggedIn(
        _ response: HTTPClientResponse
    ) throws(KeystoneTrouble) -> (token: KeystoneToken, validated: ValidatedToken) {
        guard let token = response[Self.subjectToken].flatMap(KeystoneToken.init) else { throw .unreadable }
        return (token, try Self.validated(response))
    }

    /// The id of the user it asks as.
    func ownUser(until deadline: ContinuousClock.Instant) async throws(KeystoneTrouble) -> String {
        _ = try await self.serviceToken(until: deadline)
        guard let user = self.serviceToken.withLockedValue({ $0.user }) else { throw .unreadable }
        return user
    }

    // MARK: - Exchange

    /// Sends a request, again after a pause while its connection fails.
    ///
    /// - Parameters:
    ///   - body: A JSON document.
    ///   - isRepeatable: Whether it is sent again when it may have arrived.
    ///   - owner: Requests of one owner do not delay those of another.
    func exchange(
        _ method: HTTPClientRequest.Method, _ url: HTTPURL, headers: [String] = [], body: ByteBuffer? = nil,
        isRepeatable: Bool = true, owner: String? = nil, until deadline: ContinuousClock.Instant
    ) async throws(KeystoneTrouble) -> HTTPClientResponse {
        let headers = headers + ["Accept: application/json"] + (body == nil ? [] : ["Content-Type: application/json"])
        let body = body.map { PinnedBytes($0.readableBytesView) }
        var pause = Self.pause
        var retries = 0
        while true {
            let left = deadline - .now
            guard left > .zero else { throw .late }
            let result = await withCheckedContinuation { continuation in
                self.client.send([
                    HTTPClientRequest(method, url, headers: headers, body: body, owner: owner, timeout: left) {
                        continuation.resume(returning: $0)
                    }
                ])
            }
            switch result {
            case .responded(let response, _): return response
            case .aborted: throw .stopped
            case .failed(.timeout, _): throw .late
            case .failed(let failure, _):
                guard failure.isOfConnection, isRepeatable || failure != .closed, retries < self.limits.retriesMax,
                    .now + pause < deadline
                else {
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
