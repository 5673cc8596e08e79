import Cryptography

/// What receivers check asymmetric signatures with, as Standard Webhooks lays it down; it is no secret.
///
/// ```
/// text        whpk_ + base64(32 bytes)
/// x           base64url(32 bytes), as a key of RFC 8037 has it
/// thumbprint  base64url(SHA-256({"crv":"Ed25519","kty":"OKP","x":"…"})), RFC 7638
/// ```
package struct WebhookPublicKey: Sendable, Equatable {
    package let bytes: [UInt8]

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The form given to subscribers.
    package var text: String { "whpk_" + Base64.encode(self.bytes) }

    /// Its point, as a JSON Web Key has it.
    package var x: String { Base64.encodeForURL(self.bytes) }

    /// Distinguishes it from other keys, wherever it is computed.
    package var thumbprint: String {
        let members = #"{"crv":"Ed25519","kty":"OKP","x":"\#(self.x)"}"#
        return Base64.encodeForURL(SHA256.digest(Array(members.utf8)))
    }
}
