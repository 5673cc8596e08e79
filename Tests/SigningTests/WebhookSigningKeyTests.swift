import Cryptography
import Domain
import Signing
import Testing

struct WebhookSigningKeyTests {
    private let masterKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

    private func key(master: String? = nil, project: String = "p", version: Int = 1) throws -> WebhookSigningKey {
        try MasterKey(master ?? self.masterKey).signingKey(project: ProjectID(project), version: version)
    }

    private func keys(
        _ versions: SecretVersions, at milliseconds: Int64, _ body: String = #"{"a":1}"#
    ) throws -> [String] {
        let keys = try MasterKey(self.masterKey).signingKeys(project: ProjectID("p"), versions: versions)
        let bytes = Array(body.utf8)
        return keys.signature(id: "msg_1", at: Timestamp(milliseconds: milliseconds), body: bytes.span)
            .split(separator: " ").map(String.init)
    }

    @Test func `The derivation is HKDF-SHA256, and the forms of the key are those of the specifications`() throws {
        // Computed apart from this deployment: Python, hmac over hashlib.sha256 and the package cryptography.
        let key = try self.key().publicKey
        #expect(key.text == "whpk_3LyR3T7WJ5BYJH4Nmdl4CbKJgC9cGUzVd5mjxjfSvk4=")
        #expect(key.x == "3LyR3T7WJ5BYJH4Nmdl4CbKJgC9cGUzVd5mjxjfSvk4")
        #expect(key.thumbprint == "VgaUM4Lbkcwt4oJRJaooK83isu3q7-K3r7cpOF8Zwck")
    }

    @Test func `A signature is v1a and that of id, timestamp and body`() throws {
        // Computed like the key above.
        #expect(
            try self.keys(.first, at: 1_700_000_000_999)
                == ["v1a,J3xPhwUD7PbvpLEei3oPjjC6T3k5iORftDsxve8sCQdgJJlnI0pcdNj8otAs0GWjjpvlD68nr8YLRSxR49n0Ag=="])
        let empty = try self.keys(.first, at: 1_700_000_000_000, "")
        let text = try #require(empty.first)
        let signature = try #require(Base64.decode(String(text.dropFirst(4))))
        let message = Array("msg_1.1700000000.".utf8)
        #expect(Ed25519.isValid(signature, of: message, by: try self.key().publicKey.bytes))
    }

    @Test func `Master key, project and version each give another key`() throws {
        let texts = [
            try self.key(), try self.key(master: String(self.masterKey.reversed())), try self.key(project: "q"),
            try self.key(project: "1:p"), try self.key(version: 2), try self.key(version: 11),
        ].map(\.publicKey.text)
        #expect(Set(texts).count == texts.count)
    }

    @Test func `While a key is being rotated there are two signatures, the new one first, and one afterwards`() throws {
        let until = Timestamp(milliseconds: 1_700_000_000_500)
        let versions = SecretVersions(current: 2, previousUntil: until)
        let newest = try self.keys(SecretVersions(current: 2, previousUntil: nil), at: 1_700_000_000_000)
        let oldest = try self.keys(.first, at: 1_700_000_000_000)
        #expect(newest != oldest)
        #expect(try self.keys(versions, at: 1_700_000_000_499) == newest + oldest)
        #expect(try self.keys(versions, at: 1_700_000_000_500) == newest)
    }

    @Test func `A key prints its public half alone`() throws {
        let key = try self.key()
        var dumped = ""
        dump(key, to: &dumped)
        #expect("\(key)" == "<signing key \(key.publicKey.text)>" && String(reflecting: key) == "\(key)")
        #expect(!dumped.contains("bytes"))
    }
}
