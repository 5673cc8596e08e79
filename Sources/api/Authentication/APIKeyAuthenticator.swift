import Cryptography
import Domain
import Runtime
import Store

/// Admits callers that send an API key: as `Authorization: Bearer hk_…`, or where a token of an identity service is sent.
struct APIKeyAuthenticator: Authenticator {
    /// RFC 6750, section 3.
    static let challenge = #"Bearer realm="herald""#
    /// Seconds after which a caller may ask again when the store does not answer.
    private static let retryAfter = 5

    let directory: APIKeyDirectory

    func identity(
        of credentials: Credentials, at now: Timestamp
    ) async throws(AuthenticationError) -> Identity {
        guard let token = (credentials.bearer ?? credentials.token).flatMap(APIKeyToken.init) else {
            throw .unauthenticated(challenge: Self.challenge)
        }
        let found: APIKeyDirectory.Found?
        do throws(StoreError) { found = try await self.directory.find(token.id, at: now) } catch {
            throw .unavailable(retryAfter: Self.retryAfter)
        }
        guard let found, Self.isProven(found.value, by: token, at: now) else {
            throw .unauthenticated(challenge: Self.challenge)
        }
        let key = found.value.key
        await self.directory.used(key, at: now)
        return Identity(
            project: key.project.text, user: "key:\(key.id.text)", roles: Set(key.roles), expiry: key.expires,
            origin: .token(Identity.Proof(credentials, until: found.until)), scope: key.scope)
    }

    /// In a time that does not depend on the secret.
    private static func isProven(_ kept: APIKeyStore.Kept, by token: APIKeyToken, at now: Timestamp) -> Bool {
        if let expires = kept.key.expires, expires <= now { return false }
        let digest = SHA256.digest(Array(token.secret.utf8))
        if ConstantTime.equal(digest, kept.secret) { return true }
        guard let previous = kept.previous, let ends = kept.key.overlapEnds, now < ends else { return false }
        return ConstantTime.equal(digest, previous)
    }
}
