package import Domain
package import Signing

/// Establishes who sends a request, before its path is looked at.
///
/// Asynchronous, since an authenticator may have to ask another service.
package protocol Authenticator: Sendable {
    /// - Parameter now: By this machine's clock.
    /// - Throws: ``AuthenticationError``.
    func identity(
        of credentials: Credentials, at now: Timestamp
    ) async throws(AuthenticationError) -> Identity
}

extension Authenticator {
    /// Establishes an identity again; one that has no proof stays what it is.
    func checked(_ identity: Identity, at now: Timestamp) async -> Result<Identity, AuthenticationError> {
        guard let proof = identity.proof else { return .success(identity) }
        do throws(AuthenticationError) {
            return .success(try await self.identity(of: proof.credentials, at: now))
        } catch {
            return .failure(error)
        }
    }
}

/// How callers are authenticated.
package enum Authentication: Sendable {
    /// Not at all: requests are who they say they are.
    case none
    /// By this, and what a request says of itself counts for nothing.
    case required(any Authenticator)

    /// Whether the identity headers of a caller are read.
    var believesCallers: Bool {
        if case .none = self { true } else { false }
    }

    /// The authenticator of all requests: a signature goes before everything else.
    func authenticator(signedURLKeys: [SignedURLKey]) -> SignedURLAuthenticator {
        switch self {
        case .none: SignedURLAuthenticator(keys: signedURLKeys, next: StatedIdentityAuthenticator())
        case .required(let next): SignedURLAuthenticator(keys: signedURLKeys, next: next)
        }
    }
}

/// Why it is not established who sends a request.
package enum AuthenticationError: Error, Sendable, Equatable {
    /// Nothing says who sends it, or what says so does not hold.
    ///
    /// - Parameter challenge: How callers prove who they are, as the value of `WWW-Authenticate`.
    case unauthenticated(challenge: String)
    /// What knows does not answer, so that the request is neither admitted nor refused.
    ///
    /// - Parameter retryAfter: Seconds until it may be asked again.
    case unavailable(retryAfter: Int)
    /// The signature of a pre-signed URL is incomplete, wrong, expired, or does not cover the request. It is answered like an
    /// unknown path, so that trying out signatures teaches nothing; the log tells why.
    case signatureRefused(SignedURLRefusal)
}

/// Takes the project, user and roles that a request states: for deployments that only trusted callers reach.
struct StatedIdentityAuthenticator: Authenticator {
    func identity(
        of credentials: Credentials, at now: Timestamp
    ) async throws(AuthenticationError) -> Identity {
        Identity(
            project: credentials.stated.project, user: credentials.stated.user,
            roles: Self.roles(in: credentials.stated.roles), expiry: nil,
            origin: .none(token: credentials.token))
    }

    static func roles(in list: String) -> Set<String> {
        guard !list.isEmpty else { return [] }
        return Set(list.split(separator: ",").map { Self.trimmed($0).lowercased() }.filter { !$0.isEmpty })
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let head = text.drop { $0 == " " }
        guard let last = head.lastIndex(where: { $0 != " " }) else { return "" }
        return head[...last]
    }
}
