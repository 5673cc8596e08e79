package import NIOCore

/// The bytes of a connection that have arrived and are not read.
package struct InputBuffer: Sendable {
    /// What is read is taken off its front.
    package var bytes = ByteBuffer()

    package init() {}

    package var count: Int { self.bytes.readableBytes }

    package mutating func append(_ part: consuming ByteBuffer) {
        guard self.count > 0 else { return self.bytes = part }
        // Else a peer that never lets it become empty would have all kept that it ever sent.
        self.bytes.discardReadBytes()
        self.bytes.writeBuffer(&part)
    }

    /// Gives all of them away.
    package mutating func take() -> ByteBuffer {
        defer { self.bytes = ByteBuffer() }
        return self.bytes
    }
}
