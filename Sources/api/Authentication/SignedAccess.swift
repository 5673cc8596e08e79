import Domain
import HTTPTypes
import Signing

/// Lets requests pass that carry a pre-signed URL's headers.
struct SignedAccess: Sendable {
    /// Newest first; without any, no pre-signed request passes.
    let keys: [SignedURLKey]

    /// Whether the request is no pre-signed one, or a good one.
    ///
    /// An empty `URL-Signature` is a signature too, and a wrong one.
    func admits(_ head: RequestHead, now: Timestamp) -> Bool {
        guard let signature = head.signature else { return true }
        guard let expiry = head.signedExpiry.flatMap(SignedURLExpiry.init) else { return false }
        let url = SignedURL(
            paths: Self.items(head.signedPaths), methods: Self.items(head.signedMethods), project: head.project,
            expiry: expiry)
        return url.admits(signature, method: head.method.rawValue, path: head.path, keys: self.keys, now: now)
    }

    private static func items(_ header: String?) -> [String] {
        (header ?? "").split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
}
