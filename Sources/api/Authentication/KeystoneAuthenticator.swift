package import Domain
package import Keystone
package import NIOCore
import Runtime

/// Asks Keystone whose token a request brings, and whose it is that acts for them (Identity API v3).
///
/// ```
/// X-Service-Token ─ a service? ─ X-Auth-Token ─ holds? ─ access rules ─ identity
///                     401                        401        401
/// ```
/// What Keystone cannot be asked about is 503.
package struct KeystoneAuthenticator: Authenticator {
    /// Which tokens are those of services.
    package struct ServiceRules: Sendable, Equatable {
        /// In lower case; one of them is enough.
        package var roles: Set<String> = ["service"]
        /// Whether a service token without any of them is refused; otherwise any token that holds is one.
        package var isRequired = true

        package init() {}
    }

    /// What access rules may call this service: its type in catalogues, and the official alias.
    private static let services: Set<String> = ["messaging", "message"]
    private static let retryAfterSeconds = 5

    private let validator: TokenValidator
    private let services: ServiceRules
    private let challenge: String
    private let checkIntervalMin: TimeAmount

    /// - Parameters:
    ///   - publicURL: Where callers get their tokens.
    ///   - checkIntervalMin: An identity that lasts is not looked at again sooner, however short the time for which tokens are kept.
    package init(
        _ validator: TokenValidator, services: ServiceRules = ServiceRules(), publicURL: String,
        checkIntervalMin: TimeAmount = .seconds(10)
    ) {
        self.validator = validator
        self.services = services
        self.checkIntervalMin = checkIntervalMin
        self.challenge = "Keystone uri=\"\(publicURL)\""
    }

    package func identity(
        of credentials: Credentials, at now: Timestamp
    ) async throws(AuthenticationError) -> Identity {
        let service = try await self.service(credentials.serviceToken)
        let user = try await self.validated(credentials.token, allowsExpired: service != nil)
        let token = user.value
        if let rules = token.accessRules {
            // A rule that means reading, as GET of anything, must not open a connection, on which anything may be asked for.
            let isAdmitted = rules.contains { rule in
                (!credentials.opensConnection || rule.path == credentials.path)
                    && rule.admits(credentials.method, credentials.path, of: Self.services)
            }
            guard isAdmitted else { throw self.refusal }
        }
        // What a service does for a user may go on for as long as the service's own token holds.
        let expiry = service.map { max($0.value.expiry, token.expiry) } ?? token.expiry
        let until = max(min(user.until, service?.until ?? user.until), .now() + self.checkIntervalMin)
        return Identity(
            project: token.project, user: token.user, roles: token.roles, domain: token.domain,
            isSystemScoped: token.isSystemScoped, expiry: expiry,
            origin: .token(Identity.Proof(credentials, until: until)))
    }

    private var refusal: AuthenticationError { .unauthenticated(challenge: self.challenge) }

    /// nil when no service acts for the caller.
    private func service(_ token: String?) async throws(AuthenticationError) -> KeptToken? {
        guard let token else { return nil }
        let service = try await self.validated(token, allowsExpired: false)
        guard !self.services.isRequired || !self.services.roles.isDisjoint(with: service.value.roles) else {
            throw self.refusal
        }
        return service
    }

    private func validated(
        _ text: String?, allowsExpired: Bool
    ) async throws(AuthenticationError) -> KeptToken {
        guard let token = text.flatMap(KeystoneToken.init) else { throw self.refusal }
        let kept: KeptToken?
        do throws(KeystoneTrouble) {
            kept = try await self.validator.validated(token, allowsExpired: allowsExpired)
        } catch {
            throw .unavailable(retryAfter: Self.retryAfterSeconds)
        }
        guard let kept else { throw self.refusal }
        return kept
    }
}
