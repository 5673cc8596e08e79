import Cryptography

/// The checksum of message bodies (docs/api.md, "Messages"): `MD5:` and 32 lower-case hexadecimal digits.
///
/// It protects nothing against people; clients compare it to find what was damaged on the way.
package struct BodyChecksum: Sendable {
    /// nil where libcrypto refuses MD5, as under FIPS: then checksums cannot be switched on.
    package init?() {
        guard MD5.digest([]) != nil else { return nil }
    }

    /// - Parameter canonical: The body's canonical text, not the body as it came.
    package func text(of canonical: [UInt8]) -> String {
        Self.text(ofDigest: self.digest(of: canonical))
    }

    /// The 16 bytes of which ``text(ofDigest:)`` is made.
    ///
    /// - Parameter canonical: The body's canonical text, not the body as it came.
    package func digest(of canonical: [UInt8]) -> [UInt8] {
        guard let digest = MD5.digest(canonical) else { preconditionFailure("libcrypto lost MD5 while running") }
        return digest
    }

    /// How a recorded checksum is shown, also where new ones cannot be made.
    package static func text(ofDigest digest: [UInt8]) -> String {
        "MD5:" + Hexadecimal.encode(digest)
    }
}
