import Cryptography
package import Domain

/// What a pre-signed URL lets its holder do, and the signature that proves it (docs/api.md, "Pre-signed
/// requests").
///
/// ```
/// signed text   paths, sorted, joined with ","  \n  methods, sorted, joined with ","  \n  project  \n  expiry
/// signature     lower-case hexadecimal HMAC-SHA256 under the bytes of the key
/// ```
///
/// `\n` stands for the two characters backslash and `n`, not for a line feed: existing clients depend on it.
package struct SignedURL: Sendable, Equatable {
    private static let separator = #"\n"#

    /// Sorted by code point.
    package let paths: [String]
    /// Sorted by code point.
    package let methods: [String]
    /// nil signs as the text `None`.
    package let project: String?
    package let expiry: SignedURLExpiry

    package init(paths: [String], methods: [String], project: String?, expiry: SignedURLExpiry) {
        self.paths = paths.sorted(by: Self.precedes)
        self.methods = methods.sorted(by: Self.precedes)
        self.project = project
        self.expiry = expiry
    }

    /// The text that is signed.
    package var canonicalText: String {
        [
            self.paths.joined(separator: ","), self.methods.joined(separator: ","), self.project ?? "None",
            self.expiry.text,
        ].joined(separator: Self.separator)
    }

    package func signature(key: SignedURLKey) -> String {
        Hexadecimal.encode(key.mac.tag(Array(self.canonicalText.utf8)))
    }

    /// Whether a request may be made with it, see ``refusal(_:method:path:keys:now:)``.
    package func admits(
        _ signature: String, method: String, path: String, keys: [SignedURLKey], now: Timestamp
    ) -> Bool {
        self.refusal(signature, method: method, path: path, keys: keys, now: now) == nil
    }

    /// Why a request may not be made with it; nil when it may.
    ///
    /// - Parameters:
    ///   - signature: As the caller sent it; only the exact lower-case text will do.
    ///   - method: Must be one of ``methods``, exactly.
    ///   - path: As it came over the wire; must be one of ``paths``, or continue one with `/`.
    ///   - keys: Newest first. Every one of them is good for checking, so keys can be changed without a gap.
    package func refusal(
        _ signature: String, method: String, path: String, keys: [SignedURLKey], now: Timestamp
    ) -> SignedURLRefusal? {
        guard self.methods.contains(method) else { return .method }
        guard self.covers(path) else { return .path }
        guard self.expiry.isAfter(now) else { return .expired }
        guard !keys.isEmpty else { return .noKey }
        let given = Array(signature.utf8)
        let isSigned = keys.contains { ConstantTime.equal(Array(self.signature(key: $0).utf8), given) }
        return isSigned ? nil : .signature
    }

    private func covers(_ path: String) -> Bool {
        // Byte for byte: Swift's own equality and order of strings would fold equivalent spellings.
        self.paths.contains { path.hasSameBytes(as: $0) || path.utf8.starts(with: ($0 + "/").utf8) }
    }

    /// Compares code points.
    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}

/// Why a pre-signed URL does not admit a request, for the operator and never for the caller.
package enum SignedURLRefusal: String, Sendable {
    /// The expiry is missing or is no time.
    case expiryMalformed = "expiry_malformed"
    case expired
    /// The method is not among those signed.
    case method
    /// The path is not below one of those signed.
    case path
    /// No key is configured.
    case noKey = "no_key"
    /// No key gives this signature for these paths, methods, project and expiry.
    case signature
}

/// A key of pre-signed URLs: the bytes of any text that is not empty.
package struct SignedURLKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    let mac: KeyedMAC

    /// nil when the text is empty.
    package init?(_ text: String) {
        guard !text.isEmpty else { return nil }
        self.mac = KeyedMAC(hmacSHA256: Array(text.utf8))
    }

    /// Names it; a long key cannot be found from it.
    package var id: String { Hexadecimal.encode(Array(self.mac.tag(Array("key id".utf8)).prefix(4))) }

    package var description: String { "<key of pre-signed URLs>" }
    package var debugDescription: String { self.description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
