import Cryptography

/// A token as a header may carry it: visible ASCII characters, so that it ends no line and begins no other header, and no more than
/// Keystone makes.
package struct KeystoneToken: Sendable, Equatable {
    /// Longer than any that Keystone makes.
    ///
    /// A Fernet token has 255 characters at most, one that is signed (JWS) some 1,200; those of federated users have a list of their
    /// groups beside it, of up to 24 and 48 characters each: there is space for some 160 and 60. Servers in front of Keystone refuse
    /// lines of 8,190 bytes and fewer.
    package static let bytesMax = 4096

    package let text: String

    /// nil for any other text.
    package init?(_ text: String) {
        let bytes = text.utf8
        guard (1...Self.bytesMax).contains(bytes.count), bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            return nil
        }
        self.text = text
    }

    /// What it is known by where many are kept: its SHA-256, so that tokens themselves lie nowhere.
    var digest: [UInt8] { SHA256.digest(Array(self.text.utf8)) }
}
