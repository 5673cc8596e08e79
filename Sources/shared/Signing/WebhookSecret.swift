import Cryptography

/// What a subscriber checks our webhooks with, as Standard Webhooks lays it down.
///
/// ```
/// text       whsec_ + base64(32 bytes)
/// signature  v1, + base64(HMAC-SHA256(the 32 bytes, id + "." + timestamp + "." + body))
/// ```
///
/// Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>, "Symmetric
/// signatures".
package struct WebhookSecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    static let bytesCount = 32

    private let bytes: [UInt8]
    private let mac: KeyedMAC

    init(bytes: [UInt8]) {
        self.bytes = bytes
        self.mac = KeyedMAC(hmacSHA256: bytes)
    }

    /// The form given to subscribers; nothing else in the deployment should ask for it.
    package var text: String { "whsec_" + Base64.encode(self.bytes) }

    /// The value of the header `webhook-signature`.
    ///
    /// - Parameters:
    ///   - id: The header `webhook-id`; it may hold no full stop.
    ///   - timestamp: The header `webhook-timestamp`, seconds since the epoch.
    ///   - body: The request's body, byte for byte.
    package func signature(id: String, timestamp: Int64, body: Span<UInt8>) -> String {
        let head = Array("\(id).\(timestamp).".utf8)
        return "v1," + Base64.encode(self.mac.tag(head.span, body))
    }

    package func signature(id: String, timestamp: Int64, body: [UInt8]) -> String {
        self.signature(id: id, timestamp: timestamp, body: body.span)
    }

    package var description: String { "<webhook secret>" }
    package var debugDescription: String { self.description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
