import Cryptography

/// What webhooks of a project are signed with where receivers have only the public half, as Standard Webhooks lays it down.
///
/// ```
/// signature  v1a, + base64(Ed25519(id + "." + timestamp + "." + body))
/// ```
///
/// Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>, "Signature scheme".
package struct WebhookSigningKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    static let seedBytes = Ed25519.seedBytes

    package let publicKey: WebhookPublicKey
    private let key: Ed25519PrivateKey

    init(seed: [UInt8]) {
        self.key = Ed25519PrivateKey(seed: seed)
        self.publicKey = WebhookPublicKey(bytes: self.key.publicKey)
    }

    /// One value of the header `webhook-signature`.
    ///
    /// - Parameter message: See ``message(id:timestamp:body:)``.
    func signature(of message: [UInt8]) -> String { "v1a," + Base64.encode(self.key.signature(of: message)) }

    /// What is signed.
    ///
    /// - Parameters:
    ///   - id: The header `webhook-id`; it may hold no full stop.
    ///   - timestamp: The header `webhook-timestamp`, seconds since the epoch.
    ///   - body: The request's body, byte for byte.
    static func message(id: String, timestamp: Int64, body: Span<UInt8>) -> [UInt8] {
        var message = Array("\(id).\(timestamp).".utf8)
        body.withUnsafeBufferPointer { message += $0 }
        return message
    }

    package var description: String { "<signing key \(self.publicKey.text)>" }
    package var debugDescription: String { self.description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
