import Domain
import Signing

/// Admits requests that carry the headers of a pre-signed URL, and leaves all others to the next authenticator.
///
/// The signature alone decides about a request that has one: whatever else it brings is not looked at. It gives no role.
struct SignedURLAuthenticator: Authenticator {
    /// Newest first; without any, no pre-signed request passes.
    let keys: [SignedURLKey]
    /// For requests without a signature.
    let next: any Authenticator

    func identity(
        of credentials: Credentials, at now: Timestamp
    ) async throws(AuthenticationError) -> Identity {
        guard let signature = credentials.signature else {
            return try await self.next.identity(of: credentials, at: now)
        }
        guard let expiry = signature.expires.flatMap(SignedURLExpiry.init) else {
            throw .signatureRefused(.expiryMalformed)
        }
        let url = SignedURL(
            paths: Self.items(signature.paths), methods: Self.items(signature.methods), project: signature.project,
            expiry: expiry)
        if let refusal = url.refusal(
            signature.text, method: credentials.method, path: credentials.path, keys: self.keys, now: now)
        {
            throw .signatureRefused(refusal)
        }
        return Identity(
            project: signature.project, user: nil, roles: [],
            expiry: Timestamp(milliseconds: expiry.seconds * 1000), origin: .signedURL(url))
    }

    private static func items(_ header: String?) -> [String] {
        (header ?? "").split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
}
