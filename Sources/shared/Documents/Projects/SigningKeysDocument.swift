package import Domain
import JSON
package import NIOCore

/// What receivers check asymmetric signatures of a project with.
package enum SigningKeysDocument {
    /// One key: what Standard Webhooks says of it, and what a JSON Web Key does (RFC 8037).
    package struct Key: Sendable {
        let version: Int
        let publicKey: String
        let x: String
        let thumbprint: String
        /// From then on nothing is signed with it; nil: it is the current one.
        let until: Timestamp?

        /// - Parameter thumbprint: That of the JSON Web Key (RFC 7638).
        package init(version: Int, publicKey: String, x: String, thumbprint: String, until: Timestamp?) {
            self.version = version
            self.publicKey = publicKey
            self.x = x
            self.thumbprint = thumbprint
            self.until = until
        }
    }

    /// `{"keys": [{"version": 1, "public_key": "whpk_…", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "…", "kid": "…"}, "until": null}]}`.
    package static func document(_ keys: [Key]) -> ByteBuffer {
        JSONWriter.object { object in
            object.array("keys") { array in
                for key in keys { array.object { Self.write(key, to: &$0) } }
            }
        }
    }

    private static func write(_ key: Key, to object: inout JSONObjectWriter) {
        object.member("version", key.version)
        object.member("public_key", key.publicKey)
        object.object("jwk") { jwk in
            jwk.member("kty", "OKP")
            jwk.member("crv", "Ed25519")
            jwk.member("x", key.x)
            jwk.member("kid", key.thumbprint)
        }
        object.member("until", key.until)
    }
}
