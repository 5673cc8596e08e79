import Cryptography
import Domain
import Signing
import Testing

/// The primitive against published vectors: "The Galois/Counter Mode of Operation" (McGrew, Viega), test cases 13 to 16,
/// which NIST took over for AES-256.
struct AES256GCMTests {
    struct Vector: Sendable {
        var key = String(repeating: "0", count: 64)
        var nonce = String(repeating: "0", count: 24)
        var associated = ""
        var plain = ""
        let cipher: String
        let tag: String
    }

    private static let key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
    private static let text =
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
        + "b16aedf5aa0de657ba637b39"
    private static let cipher =
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
        + "c5f61e6393ba7a0abcc9f662"

    static let vectors = [
        Vector(cipher: "", tag: "530f8afbc74536b9a963b4f1c4cb738b"),
        Vector(
            plain: String(repeating: "0", count: 32), cipher: "cea7403d4d606b6e074ec5d3baf39d18",
            tag: "d0d1c8a799996bf0265b98b5d48ab919"),
        Vector(
            key: Self.key, nonce: "cafebabefacedbaddecaf888", plain: Self.text + "1aafd255",
            cipher: Self.cipher + "898015ad", tag: "b094dac5d93471bdec1a502270e3cc6c"),
        Vector(
            key: Self.key, nonce: "cafebabefacedbaddecaf888",
            associated: "feedfacedeadbeeffeedfacedeadbeefabaddad2", plain: Self.text, cipher: Self.cipher,
            tag: "76fc6ece0f4e1768cddf8853bb2d551b"),
    ]

    private func bytes(_ text: String) -> [UInt8] {
        stride(from: 0, to: text.utf8.count, by: 2).compactMap { offset in
            UInt8(text.dropFirst(offset).prefix(2), radix: 16)
        }
    }

    @Test(arguments: AES256GCMTests.vectors)
    func `Texts are sealed and opened as the published vectors are`(vector: Vector) {
        var sealed: [UInt8] = [7]
        AES256GCM.seal(
            self.bytes(vector.plain).span, key: self.bytes(vector.key), nonce: self.bytes(vector.nonce)[...],
            associated: self.bytes(vector.associated), into: &sealed)
        #expect(sealed == [7] + self.bytes(vector.cipher + vector.tag))
        let opened = AES256GCM.open(
            Array(sealed.dropFirst()).span, key: self.bytes(vector.key), nonce: self.bytes(vector.nonce),
            associated: self.bytes(vector.associated))
        #expect(opened == self.bytes(vector.plain))
    }
}

/// Spans inside of `#expect` bring the compiler down, so the tests hand over arrays.
extension Vault {
    fileprivate func seal(_ body: [UInt8], for queue: QueueAddress) -> [UInt8] {
        self.seal(body.span, for: queue)
    }

    fileprivate func open(_ sealed: [UInt8], of queue: QueueAddress) throws(VaultError) -> [UInt8] {
        try self.open(sealed.span, of: queue)
    }
}

struct VaultTests {
    private static let master = String(repeating: "5a", count: 32)

    private func vault(_ keys: String...) throws -> Vault {
        Vault(masterKey: try MasterKey(Self.master), keys: try keys.map { try VaultKey($0) })
    }

    private func queue(_ name: String, of project: String = "p") throws -> QueueAddress {
        QueueAddress(project: try ProjectID(project), name: try QueueName(name))
    }

    private func text(_ sealed: [UInt8]) -> String { String(decoding: sealed, as: UTF8.self) }

    @Test(arguments: ["", "7", #"{"event":"BackupStarted"}"#, String(repeating: "é", count: 131_072)])
    func `What was sealed for a queue opens there`(body: String) throws {
        let sealed = try self.vault().seal(Array(body.utf8), for: self.queue("orders"))
        #expect(sealed.count == body.utf8.count + Vault.overheadBytes)
        #expect(sealed.first == 1)
        #expect(try self.text(self.vault().open(sealed, of: self.queue("orders"))) == body)
    }

    @Test func `Nothing of the plain text is in the sealed bytes, and no two sealings look alike`() throws {
        let canary = "canary-4711-in-the-coal-mine"
        let first = try self.vault().seal(Array(canary.utf8), for: self.queue("orders"))
        let second = try self.vault().seal(Array(canary.utf8), for: self.queue("orders"))
        #expect(!self.text(first).contains("canary") && !self.text(first).contains("mine"))
        #expect(first.dropFirst(5) != second.dropFirst(5))
        #expect(Array(first[1..<5]) == Array(second[1..<5]))
    }

    @Test func `A bit changed anywhere is found`() throws {
        let vault = try self.vault()
        let sealed = try vault.seal(Array("[1, 2, 3]".utf8), for: self.queue("orders"))
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1 << UInt8(index % 8)
            #expect(throws: VaultError.self, "byte \(index)") { try vault.open(changed, of: self.queue("orders")) }
        }
        #expect(throws: VaultError.forged) { try vault.open((sealed + [0]), of: self.queue("orders")) }
        #expect(throws: VaultError.forged) {
            try vault.open(sealed.dropLast().map { $0 }, of: self.queue("orders"))
        }
        #expect(throws: VaultError.truncated) { try vault.open(sealed.prefix(32).map { $0 }, of: self.queue("o")) }
        #expect(throws: VaultError.unknownVersion(123)) {
            try vault.open(Array("{\"plain\": \"a body that was never sealed\"}".utf8), of: self.queue("orders"))
        }
    }

    @Test(arguments: [("p", "other"), ("q", "orders"), ("p:6", "orders"), ("p", "orders.")])
    func `A body does not open in another queue or project`(project: String, name: String) throws {
        let sealed = try self.vault().seal(Array("1".utf8), for: self.queue("orders"))
        #expect(throws: VaultError.forged) { try self.vault().open(sealed, of: self.queue(name, of: project)) }
    }

    @Test func `A new key seals at once, and the old ones go on opening until they are taken away`() throws {
        let (old, new) = (String(repeating: "11", count: 32), String(repeating: "22", count: 32))
        let queue = try self.queue("orders")
        let derived = try self.vault().seal(Array("0".utf8), for: queue)
        let first = try self.vault(old).seal(Array("1".utf8), for: queue)
        let second = try self.vault(new, old).seal(Array("2".utf8), for: queue)
        #expect(Set([derived[1..<5], first[1..<5], second[1..<5]]).count == 3)
        let both = try self.vault(new, old)
        for (sealed, body) in [(derived, "0"), (first, "1"), (second, "2")] {
            #expect(try self.text(both.open(sealed, of: queue)) == body)
        }
        let onlyNew = try self.vault(new)
        #expect(try self.text(onlyNew.open(second, of: queue)) == "2")
        #expect(throws: VaultError.self) { try onlyNew.open(first, of: queue) }
        let id = first[1..<5].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(throws: VaultError.unknownKey(id: id)) { try self.vault().open(first, of: queue) }
    }

    @Test func `Another master key opens nothing, and no key prints itself`() throws {
        let sealed = try self.vault().seal(Array("1".utf8), for: self.queue("orders"))
        let other = Vault(masterKey: try MasterKey(String(repeating: "a5", count: 32)))
        #expect(throws: VaultError.self) { try other.open(sealed, of: self.queue("orders")) }
        #expect(!"\(try VaultKey(Self.master))".contains("5a"))
        #expect(throws: MasterKeyInvalid.tooShort(bytes: 2)) { try VaultKey("abcd") }
    }
}

struct BodyChecksumTests {
    @Test(arguments: [
        (#"{"job": "resize", "n": 3}"#, "MD5:166e5464c4360a4e437534b13e42ca85"),
        (#"{"b": 1, "a": "\u00e9"}"#, "MD5:b9622a81c98224c56eb3afdd8f51b202"),
        ("[1, 2.5, null, true]", "MD5:8c4c2df6d95e47f01855fd765d6e0c21"),
        (#""plain""#, "MD5:a73442f033abd3c787518065af0eb10e"), ("7", "MD5:8f14e45fceea167a5a36dedd4bea2543"),
        (#"{"k": {}}"#, "MD5:9a6049c4ac38c83281d96c04aa7127ce"), (#""""#, "MD5:9d4568c009d203ab10e33ea9953a0264"),
        ("{}", "MD5:99914b932bd37a50b983c5e7c90ae93b"),
        (#"{"x": 1e+16, "y": 1.0, "z": 1e-05}"#, "MD5:5de42318a1f2b245adfd17cf4447ac86"),
        (#""a\u007f\u2028/\ud83d\ude00""#, "MD5:97174a2023be71958402ab3a7344294e"),
        ("", "MD5:d41d8cd98f00b204e9800998ecf8427e"),
    ])
    func `ST-30: Canonical texts have fixed checksums`(canonical: String, checksum: String) throws {
        #expect(try #require(BodyChecksum()).text(of: Array(canonical.utf8)) == checksum)
    }
}
