import COpenSSL

// Only this file and those beside it named OpenSSL+… touch libcrypto's pointers. Everything around them deals in plain bytes.

/// A message authentication code with its key already worked in, so that one tag costs a copy and a pass over the bytes.
///
/// `@unchecked Sendable`: the context is written only inside `init` and freed only in `deinit`. In between it is solely
/// the source of `EVP_MAC_CTX_dup`, which reads it (and counts a reference to the algorithm atomically), so any number of
/// threads may take copies at once; each copy belongs to the call that made it.
package final class KeyedMAC: @unchecked Sendable {
    private let prepared: OpaquePointer
    private let tagBytes: Int

    /// HMAC-SHA256 under a key of any length; tags of 32 bytes.
    package init(hmacSHA256 key: [UInt8]) {
        self.tagBytes = 32
        self.prepared = Self.prepare(algorithm: "HMAC", key: key) { context, key in
            // OSSL_PARAM keeps the addresses of name and value: both live until EVP_MAC_init has read them.
            OSSL_MAC_PARAM_DIGEST.withCString { name in
                var digest = Array("SHA256".utf8CString)
                return digest.withUnsafeMutableBufferPointer { digest in
                    var parameters = [
                        OSSL_PARAM_construct_utf8_string(name, digest.baseAddress, 0), OSSL_PARAM_construct_end(),
                    ]
                    return EVP_MAC_init(context, key.baseAddress, key.count, &parameters)
                }
            }
        }
    }

    /// SipHash-2-4 with 128-bit tags.
    ///
    /// - Parameter key: Exactly 16 bytes.
    package init(sipHash key: [UInt8]) {
        precondition(key.count == 16, "SipHash takes a key of 16 bytes")
        self.tagBytes = 16
        self.prepared = Self.prepare(algorithm: "SIPHASH", key: key) { context, key in
            OSSL_MAC_PARAM_SIZE.withCString { name in
                var size = 16
                return withUnsafeMutablePointer(to: &size) { size in
                    var parameters = [OSSL_PARAM_construct_size_t(name, size), OSSL_PARAM_construct_end()]
                    return EVP_MAC_init(context, key.baseAddress, key.count, &parameters)
                }
            }
        }
    }

    deinit {
        EVP_MAC_CTX_free(self.prepared)
    }

    /// The tag of `head` followed by `body`.
    package func tag(_ head: Span<UInt8>, _ body: Span<UInt8>) -> [UInt8] {
        let context = EVP_MAC_CTX_dup(self.prepared)
        defer { EVP_MAC_CTX_free(context) }
        var worked = Self.update(context, head) && Self.update(context, body)
        let tag = [UInt8](unsafeUninitializedCapacity: self.tagBytes) { tag, count in
            worked = worked && EVP_MAC_final(context, tag.baseAddress, &count, self.tagBytes) == 1
        }
        precondition(worked && tag.count == self.tagBytes, "libcrypto could not compute a tag")
        return tag
    }

    /// The tag of `bytes`.
    package func tag(_ bytes: [UInt8]) -> [UInt8] {
        self.tag(bytes.span, Span())
    }

    private static func update(_ context: OpaquePointer?, _ bytes: Span<UInt8>) -> Bool {
        bytes.isEmpty || bytes.withUnsafeBufferPointer { EVP_MAC_update(context, $0.baseAddress, $0.count) == 1 }
    }

    private static func prepare(
        algorithm: String, key: [UInt8], initialise: (OpaquePointer, UnsafeBufferPointer<UInt8>) -> Int32
    ) -> OpaquePointer {
        // The default provider of every OpenSSL 3 has both algorithms; without them no part of the deployment can work.
        guard let mac = EVP_MAC_fetch(nil, algorithm, nil) else { preconditionFailure("libcrypto has no \(algorithm)") }
        defer { EVP_MAC_free(mac) }  // the context keeps its own reference
        guard let context = EVP_MAC_CTX_new(mac) else { preconditionFailure("libcrypto is out of memory") }
        // EVP_MAC_init reads a nil key as "keep the old one", so an empty key still needs an address.
        let worked = (key.isEmpty ? [0] : key).withUnsafeBufferPointer { bytes in
            initialise(context, UnsafeBufferPointer(rebasing: bytes.prefix(key.count)))
        }
        precondition(worked == 1, "libcrypto refused a key for \(algorithm)")
        return context
    }
}

/// Bytes that cannot be predicted, from libcrypto's generator.
package enum SecureRandom {
    package static func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
            // Only a machine without entropy fails here, and going on with weak keys would be worse than stopping.
            precondition(RAND_bytes(bytes.baseAddress, Int32(count)) == 1, "libcrypto has no entropy")
            filled = count
        }
    }
}

/// Comparison that takes as long for a near miss as for a far one.
package enum ConstantTime {
    /// The lengths themselves are not secret: texts of different lengths differ at once.
    package static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }
}
