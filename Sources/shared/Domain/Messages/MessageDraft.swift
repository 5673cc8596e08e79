package import NIOCore

/// A message that is to be posted.
package struct MessageDraft: Sendable, Equatable {
    /// Seconds to live; nil takes the queue's default.
    package var ttl: Int?
    /// Seconds to be held back; nil takes the queue's default.
    package var delay: Int?
    /// The JSON value, byte for byte as it was sent; or what stands for it, when the message is sealed.
    package var body: ByteBuffer
    /// The MD5 of the body's canonical text, 16 bytes; nil when none is recorded.
    package var checksum: [UInt8]?
    /// Whether the body is encrypted; the store keeps what it is given.
    package var isSealed: Bool
    package var provenance = Provenance.none

    /// Bytes of a checksum.
    package static let checksumBytes = 16

    package init(
        ttl: Int? = nil, delay: Int? = nil, body: ByteBuffer, checksum: [UInt8]? = nil, isSealed: Bool = false
    ) {
        precondition(checksum == nil || checksum?.count == Self.checksumBytes, "an MD5 has 16 bytes")
        self.ttl = ttl
        self.delay = delay
        self.body = body
        self.checksum = checksum
        self.isSealed = isSealed
    }
}

/// What holds for a post when neither the message nor its queue says.
package struct PostDefaults: Sendable, Equatable {
    /// Seconds a message lives.
    package var ttl: Int

    package init(ttl: Int) {
        self.ttl = ttl
    }
}
