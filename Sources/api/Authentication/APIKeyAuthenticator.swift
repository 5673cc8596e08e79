import Cryptography
import Domain
import NIOCore
import Runtime
import Store

/// Admits callers that send an API key: as `Authorization: Bearer hk_…`, or where a token of an identity service is sent.
struct APIKeyAuthenticator: Authenticator {
    /// RFC 6750, section 3.
    static let challenge = #"Bearer realm="herald""#
    /// Seconds after which a caller may ask again when the store does not answer.
    private static let retryAfter = 5
    /// How long connections and streams go on while the store does not say whether their key still holds.
    private static let unverifiedMax = TimeAmount.seconds(60)

    let directory: APIKeyDirectory

    func identity(
        of credentials: Credentials, at now: Timestamp
    ) async throws(AuthenticationError) -> Identity {
        guard let token = (credentials.bearer ?? credentials.token).flatMap(APIKeyToken.init) else {
            throw .unauthenticated(challenge: Self.challenge)
        }
        var found = try await self.find(token.id, at: now, isFresh: false)
        if let kept = found?.value, !Self.isProven(kept, by: token, at: now) {
            // Perhaps it was rotated since it was read.
            found = try await self.find(token.id, at: now, isFresh: true)
        }
        guard let found, Self.isProven(found.value, by: token, at: now) else {
            throw .unauthenticated(challenge: Self.challenge)
        }
        let key = found.value.key
        await self.directory.used(key, at: now)
        let proof = Identity.Proof(
            credentials, until: found.until, pause: .seconds(1), unverifiedMax: Self.unverifiedMax)
        return Identity(
            project: key.project.text, user: "key:\(key.id.text)", roles: key.roles, expiry: key.expires,
            origin: .key(proof), scope: key.scope)
    }

    private func find(
        _ id: APIKeyID, at now: Timestamp, isFresh: Bool
    ) async throws(AuthenticationError) -> APIKeyDirectory.Found? {
        do throws(StoreError) { return try await self.directory.find(id, at: now, isFresh: isFresh) } catch {
            throw .unavailable(retryAfter: Self.retryAfter)
        }
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
