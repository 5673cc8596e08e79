package import NIOCore

/// A message as its sender wants it, not yet in a queue.
package struct MessageDraft: Sendable, Equatable {
    /// Seconds to live; nil takes the queue's default.
    package var ttl: Int?
    /// Seconds to be held back; nil takes the queue's default.
    package var delay: Int?
    /// The JSON value, byte for byte as it was sent.
    package var body: ByteBuffer

    package init(ttl: Int? = nil, delay: Int? = nil, body: ByteBuffer) {
        self.ttl = ttl
        self.delay = delay
        self.body = body
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
