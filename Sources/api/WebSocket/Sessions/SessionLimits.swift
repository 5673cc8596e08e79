package import Domain
package import NIOCore

/// What a connection may take, and how long it may be silent.
package struct SessionLimits: Sendable {
    private static let messageBytesMin = 1 << 20

    /// Bytes of a message, counted over its fragments: at least twice a post, so that a request beyond a limit of the API is answered.
    package var messageBytesMax: Int
    /// Notifications that wait for a client to read, and their bytes; one more frame may be with the kernel.
    package var framesMax = 1000
    package var bytesMax = 8 << 20
    /// Bytes that all connections of the process may have waiting; and as many again arriving in part.
    package var processBytesMax = 256 << 20
    package var pingInterval = TimeAmount.seconds(30)
    /// How long nothing may come from a client, its pongs included.
    package var silenceMax = TimeAmount.seconds(120)
    /// How long a message may take to arrive, looked at with each ping.
    package var arrivalMax = TimeAmount.seconds(60)
    /// How long a client has to answer a close frame, also while the server stops.
    package var closeMax = TimeAmount.seconds(5)
    package var stopCloseMax = TimeAmount.seconds(1)
    /// How long a connection may be without an identity where it has to have one; nil for ever.
    package var anonymousMax: TimeAmount? = .seconds(30)

    package init(_ limits: Limits = Limits(), messageBytesMax: Int = 0) {
        self.messageBytesMax = max(Self.messageBytesMin, 2 * limits.postBytesMax, messageBytesMax)
    }
}
