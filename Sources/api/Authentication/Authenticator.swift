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

/// Why it is not established who sends a request.
package enum AuthenticationError: Error, Sendable, Equatable {
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
            project: credentials.project, user: credentials.user, roles: Self.roles(in: credentials.roles), expiry: nil,
            origin: .none)
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
