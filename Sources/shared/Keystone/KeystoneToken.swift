import Cryptography

/// A token as a header may carry it: 1 to 8192 visible ASCII characters, so that it ends no line and begins no other header.
package struct KeystoneToken: Sendable, Equatable {
    package static let bytesMax = 8192

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
