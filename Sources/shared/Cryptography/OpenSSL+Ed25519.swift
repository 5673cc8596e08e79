import COpenSSL

// Beside OpenSSL.swift and OpenSSL+Cipher.swift the last file that touches libcrypto's pointers.

/// Signatures of Ed25519 (RFC 8032): the public key checks them, and only the private key makes them.
package enum Ed25519 {
    package static let seedBytes = 32
    package static let publicKeyBytes = 32
    package static let signatureBytes = 64

    /// Whether a signature is that of the message by the key.
    ///
    /// - Parameters:
    ///   - publicKey: 32 bytes; others sign nothing.
    package static func isValid(_ signature: [UInt8], of message: [UInt8], by publicKey: [UInt8]) -> Bool {
        guard signature.count == Self.signatureBytes, publicKey.count == Self.publicKeyBytes,
            let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, publicKey, publicKey.count)
        else { return false }
        defer { EVP_PKEY_free(key) }
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { return false }
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}

/// A private key of Ed25519 with its seed already worked in, so that a signature needs no derivation.
///
/// `@unchecked Sendable`: the key is made in `init`, freed in `deinit` and only read in between, as every signature works in a
/// context of its own; libcrypto counts the references to it atomically.
package final class Ed25519PrivateKey: @unchecked Sendable {
    package let publicKey: [UInt8]
    private let key: OpaquePointer

    /// - Parameter seed: Exactly 32 bytes, which are the private key as RFC 8032 has it.
    package init(seed: [UInt8]) {
        precondition(seed.count == Ed25519.seedBytes, "Ed25519 takes a seed of 32 bytes")
        // It is in the same provider as SipHash, without which no part of the deployment can work.
        guard let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count) else {
            preconditionFailure("libcrypto has no Ed25519")
        }
        var worked = false
        self.publicKey = [UInt8](unsafeUninitializedCapacity: Ed25519.publicKeyBytes) { bytes, count in
            count = Ed25519.publicKeyBytes
            worked = EVP_PKEY_get_raw_public_key(key, bytes.baseAddress, &count) == 1
        }
        self.key = key
        precondition(worked && self.publicKey.count == Ed25519.publicKeyBytes, "libcrypto gave no public key")
    }

    deinit {
        EVP_PKEY_free(self.key)
    }

    /// The signature of a message, always the same 64 bytes.
    ///
    /// The message is hashed twice, so it has to be there as a whole.
    package func signature(of message: [UInt8]) -> [UInt8] {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        var worked = EVP_DigestSignInit(context, nil, nil, nil, self.key) == 1
        let signature = [UInt8](unsafeUninitializedCapacity: Ed25519.signatureBytes) { signature, count in
            var length = Ed25519.signatureBytes
            worked =
                worked && EVP_DigestSign(context, signature.baseAddress, &length, message, message.count) == 1
                && length == Ed25519.signatureBytes
            count = worked ? length : 0
        }
        precondition(worked, "libcrypto could not sign")
        return signature
    }
}
