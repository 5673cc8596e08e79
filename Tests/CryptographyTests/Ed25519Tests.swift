import Cryptography
import Testing

/// The vectors of RFC 8032, 7.1.
struct Ed25519Tests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let seed: String
        let publicKey: String
        let message: String
        let signature: String
    }

    static let vectors = [
        Vector(
            testDescription: "TEST 1", seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", message: "",
            signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
        Vector(
            testDescription: "TEST 2", seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", message: "72",
            signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
        Vector(
            testDescription: "TEST 3", seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", message: "af82",
            signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
        Vector(
            testDescription: "TEST SHA(abc)",
            seed: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            publicKey: "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            message: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            signature: "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
                + "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"),
    ]

    private func bytes(_ text: String) throws -> [UInt8] {
        text.isEmpty ? [] : try #require(Hexadecimal.decode(text))
    }

    @Test(arguments: Self.vectors)
    func `Keys and signatures are those of the RFC`(vector: Vector) throws {
        let key = Ed25519PrivateKey(seed: try self.bytes(vector.seed))
        let message = try self.bytes(vector.message)
        #expect(Hexadecimal.encode(key.publicKey) == vector.publicKey)
        #expect(Hexadecimal.encode(key.signature(of: message)) == vector.signature)
        #expect(
            Ed25519.isValid(
                try self.bytes(vector.signature), of: message, by: try self.bytes(vector.publicKey)))
    }

    @Test func `A bit more, a bit less or another key, and the signature is none`() throws {
        let key = Ed25519PrivateKey(seed: Array(0..<32))
        let other = Ed25519PrivateKey(seed: Array(1..<33))
        let message = Array("a message".utf8)
        let signature = key.signature(of: message)
        #expect(Ed25519.isValid(signature, of: message, by: key.publicKey))
        #expect(!Ed25519.isValid(signature, of: message, by: other.publicKey))
        for index in message.indices {
            var changed = message
            changed[index] ^= 1
            #expect(!Ed25519.isValid(signature, of: changed, by: key.publicKey))
        }
        for index in signature.indices {
            var changed = signature
            changed[index] ^= 0x80
            #expect(!Ed25519.isValid(changed, of: message, by: key.publicKey), "\(index)")
        }
    }

    @Test func `Signatures and keys of other lengths are refused`() {
        let key = Ed25519PrivateKey(seed: Array(0..<32))
        let signature = key.signature(of: [1])
        for count in [0, 1, 31, 33, 64] {
            #expect(!Ed25519.isValid(signature, of: [1], by: Array(repeating: 1, count: count)))
        }
        for other in [[], Array(signature.dropLast()), signature + [0]] {
            #expect(!Ed25519.isValid(other, of: [1], by: key.publicKey))
        }
    }

    @Test func `One key signs on many threads at once`() async {
        let key = Ed25519PrivateKey(seed: Array(0..<32))
        let expected = (0..<64).map { key.signature(of: Array(repeating: UInt8($0), count: 300)) }
        await withTaskGroup(of: Bool.self) { group in
            for index in 0..<64 {
                group.addTask { key.signature(of: Array(repeating: UInt8(index), count: 300)) == expected[index] }
            }
            for await isSame in group { #expect(isSame) }
        }
    }
}
