import Domain
import Signing
import Testing

struct WebhookSecretTests {
    let key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

    private func secret(
        key: String? = nil, project: String = "p", subscription: String = "0", version: Int = 1
    ) throws -> WebhookSecret {
        let subscription = try #require(SubscriptionID(String(repeating: subscription, count: 27)))
        return try MasterKey(key ?? self.key).webhookSecret(
            project: ProjectID(project), subscription: subscription, version: version)
    }

    @Test func `A secret is whsec_ and 32 bytes, the same each time it is derived`() throws {
        let text = try self.secret().text
        #expect(text.hasPrefix("whsec_") && text.utf8.count == 6 + 44)
        #expect(try self.secret().text == text)
    }

    @Test func `Key, project, subscription and version each give another secret`() throws {
        let texts = [
            try self.secret().text,
            try self.secret(key: String(self.key.reversed())).text,
            try self.secret(project: "q").text,
            try self.secret(subscription: "1").text,
            try self.secret(version: 2).text,
        ]
        #expect(Set(texts).count == texts.count)
    }

    @Test func `The derivation is HKDF-SHA256 as RFC 5869 has it`() throws {
        // Computed apart from this deployment: Python, hmac over hashlib.sha256, salt "herald", the purpose as info.
        #expect(try self.secret().text == "whsec_ARAw8oRu8HIUmrA72ZorG/QHGILS1X64JUJmu5lVHM4=")
    }

    @Test func `A signature is v1 and the HMAC of id, timestamp and body`() throws {
        // Computed like the secret above.
        let signature = try self.secret().signature(
            id: "msg_1", timestamp: 1_700_000_000, body: Array(#"{"a":1}"#.utf8))
        #expect(signature == "v1,xd4otjSvtngc/Kzbr5UoPRH30hNNK6xv2X94qWbEwTo=")
        let empty = try self.secret().signature(id: "msg_1", timestamp: 1_700_000_000, body: [])
        #expect(empty == "v1,gZHrLdRH5CYIvO3pVwG68dn/7Y2X6IUKoPf77XRUSm0=")
    }

    @Test func `While a secret is being rotated there are two signatures, the new one first, and one afterwards`()
        throws
    {
        let until = Timestamp(milliseconds: 1_700_000_000_500)
        let subscription = try #require(SubscriptionID(String(repeating: "0", count: 27)))
        let secrets = try MasterKey(self.key).webhookSecrets(
            project: ProjectID("p"), subscription: subscription,
            versions: SecretVersions(current: 2, previousUntil: until))
        let body = Array(#"{"a":1}"#.utf8)
        func signature(at milliseconds: Int64) -> String {
            secrets.signature(id: "msg_1", at: Timestamp(milliseconds: milliseconds), body: body.span)
        }
        let newest = try self.secret(version: 2).signature(id: "msg_1", timestamp: 1_700_000_000, body: body)
        let oldest = try self.secret(version: 1).signature(id: "msg_1", timestamp: 1_700_000_000, body: body)
        let (during, after) = (signature(at: 1_700_000_000_499), signature(at: 1_700_000_000_500))
        #expect(during == newest + " " + oldest)
        #expect(after == newest)
    }

    @Test(arguments: [
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    ])
    func `Every spelling of a master key is the same key`(text: String) throws {
        #expect(try self.secret(key: text).text == self.secret().text)
    }

    @Test(arguments: [
        ("", MasterKeyInvalid.tooShort(bytes: 0)), ("not a key", .unreadable), ("AAECAw==", .tooShort(bytes: 4)),
        ("00010203", .tooShort(bytes: 4)), ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9", .unreadable),
    ])
    func `A master key that is short or unreadable is refused`(text: String, reason: MasterKeyInvalid) {
        #expect(throws: reason) { try MasterKey(text) }
    }

    @Test func `A new master key can be read, and no two are alike`() throws {
        let text = MasterKey.generate()
        _ = try MasterKey(text)
        #expect(MasterKey.generate() != text)
    }

    @Test func `Neither keys nor secrets print themselves`() throws {
        let key = try MasterKey(self.key)
        let secret = try self.secret()
        let signed = try #require(SignedURLKey("s3cret"))
        var dumped = ""
        dump(key, to: &dumped)
        dump(secret, to: &dumped)
        dump(signed, to: &dumped)
        let printed = "\(key)\(secret)\(signed)" + String(reflecting: key) + String(reflecting: secret) + dumped
        #expect(!printed.contains(self.key) && !printed.contains(secret.text) && !printed.contains("s3cret"))
    }
}
