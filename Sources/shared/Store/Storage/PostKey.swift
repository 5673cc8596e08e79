/// By what a post is known again: the repeat of it stores nothing and is answered alike (docs/api.md, "Posts that are repeated").
package struct PostKey: Sendable, Equatable {
    /// Bytes of ``digest`` and of ``request``.
    package static let digestBytes = 16
    /// Bytes that are counted for it while it is kept.
    package static let bytes = 200

    /// Of the key that the caller chose.
    package let digest: [UInt8]
    /// Of the request: another one with the key is refused.
    package let request: [UInt8]
    /// How long it is kept, s.
    package let window: Int

    package init(digest: [UInt8], request: [UInt8], window: Int) {
        precondition(
            digest.count == Self.digestBytes && request.count == Self.digestBytes, "digests of a post have 16 bytes")
        self.digest = digest
        self.request = request
        self.window = window
    }
}
