import COpenSSL

// Beside OpenSSL.swift the second file that touches libcrypto's pointers: each context lives for one call.

/// AES-256 in Galois/Counter Mode (NIST SP 800-38D), with a nonce of 96 bits and a tag of 128.
package enum AES256GCM {
    package static let keyBytes = 32
    package static let nonceBytes = 12
    package static let tagBytes = 16

    /// Appends the cipher text of `plain`, and the tag behind it.
    ///
    /// - Parameter nonce: Never the same twice under one key, or both the texts and the key of the tags are given away.
    package static func seal(
        _ plain: Span<UInt8>, key: [UInt8], nonce: ArraySlice<UInt8>, associated: [UInt8], into sealed: inout [UInt8]
    ) {
        precondition(key.count == Self.keyBytes && nonce.count == Self.nonceBytes, "AES-256-GCM takes 32 and 12 bytes")
        let context = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(context) }
        var worked = EVP_EncryptInit_ex2(context, EVP_aes_256_gcm(), key, Array(nonce), nil) == 1
        var count: Int32 = 0
        worked = worked && EVP_EncryptUpdate(context, nil, &count, associated, Int32(associated.count)) == 1
        let text = [UInt8](unsafeUninitializedCapacity: plain.count + Self.tagBytes) { text, filled in
            // A nil input would be taken for the end of the associated data, so an empty text is not handed over at all.
            worked =
                worked
                && (plain.isEmpty
                    || plain.withUnsafeBufferPointer { plain in
                        EVP_EncryptUpdate(context, text.baseAddress, &count, plain.baseAddress, Int32(plain.count)) == 1
                    })
            let tag = text.baseAddress.map { $0 + plain.count }
            worked = worked && EVP_EncryptFinal_ex(context, tag, &count) == 1
            worked =
                worked && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagBytes), tag) == 1
            filled = plain.count + Self.tagBytes
        }
        precondition(worked, "libcrypto could not encrypt")
        sealed += text
    }

    /// The plain text; nil when key, nonce, associated data or any bit of the cipher text is another.
    ///
    /// - Parameter sealed: The cipher text with its tag behind it, at least ``tagBytes``.
    package static func open(
        _ sealed: Span<UInt8>, key: [UInt8], nonce: [UInt8], associated: [UInt8]
    ) -> [UInt8]? {
        precondition(key.count == Self.keyBytes && nonce.count == Self.nonceBytes, "AES-256-GCM takes 32 and 12 bytes")
        guard sealed.count >= Self.tagBytes else { return nil }
        let plainBytes = sealed.count - Self.tagBytes
        let context = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(context) }
        var worked = EVP_DecryptInit_ex2(context, EVP_aes_256_gcm(), key, nonce, nil) == 1
        var count: Int32 = 0
        worked = worked && EVP_DecryptUpdate(context, nil, &count, associated, Int32(associated.count)) == 1
        var tag = sealed.withUnsafeBufferPointer { Array($0.suffix(Self.tagBytes)) }
        worked = worked && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagBytes), &tag) == 1
        precondition(worked, "libcrypto could not prepare to decrypt")
        var isGenuine = false
        // One byte more than the text, so that the last call has an address also for an empty one.
        let plain = [UInt8](unsafeUninitializedCapacity: plainBytes + 1) { plain, filled in
            isGenuine =
                plainBytes == 0
                || sealed.withUnsafeBufferPointer { sealed in
                    EVP_DecryptUpdate(context, plain.baseAddress, &count, sealed.baseAddress, Int32(plainBytes)) == 1
                }
            let end = plain.baseAddress.map { $0 + plainBytes }
            isGenuine = isGenuine && EVP_DecryptFinal_ex(context, end, &count) == 1
            filled = plainBytes
        }
        // What was deciphered before the tag was checked must not leave this function.
        return isGenuine ? plain : nil
    }
}

/// MD5, for no purpose but to tell whether a text arrived whole.
package enum MD5 {
    /// nil when libcrypto has no MD5, as where only FIPS algorithms are allowed.
    package static func digest(_ bytes: [UInt8]) -> [UInt8]? {
        guard let algorithm = EVP_MD_fetch(nil, "MD5", nil) else { return nil }
        defer { EVP_MD_free(algorithm) }
        var length: UInt32 = 0
        var worked = false
        let digest = [UInt8](unsafeUninitializedCapacity: 16) { digest, filled in
            worked = EVP_Digest(bytes, bytes.count, digest.baseAddress, &length, algorithm, nil) == 1
            filled = 16
        }
        return worked ? digest : nil
    }
}

/// SHA-1, only where another program names things by it.
package enum SHA1 {
    /// 20 bytes.
    package static func digest(_ bytes: [UInt8]) -> [UInt8] { OneDigest.sha1.digest(bytes, count: 20) }
}

package enum SHA256 {
    /// 32 bytes.
    package static func digest(_ bytes: [UInt8]) -> [UInt8] { OneDigest.sha256.digest(bytes, count: 32) }
}

/// An algorithm, looked up once: libcrypto searches its providers for a name each time.
private final class OneDigest: Sendable {
    static let sha1 = OneDigest("SHA1")
    static let sha256 = OneDigest("SHA256")

    /// It lives for as long as the process, and libcrypto only reads it.
    private nonisolated(unsafe) let algorithm: OpaquePointer

    private init(_ name: String) {
        guard let algorithm = EVP_MD_fetch(nil, name, nil) else { preconditionFailure("libcrypto has no \(name)") }
        self.algorithm = algorithm
    }

    func digest(_ bytes: [UInt8], count: Int) -> [UInt8] {
        var length: UInt32 = 0
        return [UInt8](unsafeUninitializedCapacity: count) { digest, filled in
            let worked = EVP_Digest(bytes, bytes.count, digest.baseAddress, &length, self.algorithm, nil)
            precondition(worked == 1 && length == count, "libcrypto cannot make a digest")
            filled = count
        }
    }
}
