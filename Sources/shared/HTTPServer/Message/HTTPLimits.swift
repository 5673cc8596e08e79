package import NIOCore

/// What one connection, one caller and all of them together may take of a listener.
package struct HTTPLimits: Sendable {
    /// Bytes of a request target.
    package var targetBytesMax = 16 * 1024
    /// Bytes of one header, and of a head whole.
    package var fieldBytesMax = 16 * 1024
    package var headBytesMax = 64 * 1024
    package var fieldsMax = 128
    /// Bytes of extensions in all chunks of one body.
    package var chunkExtensionBytesMax = 4096
    /// Bytes that are read ahead while a request is answered.
    package var readAheadBytesMax = 16 * 1024

    /// Bytes that are kept while a request is answered: what is read ahead, and one read more.
    var bufferedBytesMax: Int { self.readAheadBytesMax + 128 * 1024 }

    /// Bytes that are kept before a body is asked for: what a peer sent before it closed its side arrives at once, and the body is
    /// among it.
    var unreadBodyBytesMax: Int { 4 << 20 }

    /// How long a connection may be without a request.
    package var idleMax = TimeAmount.seconds(75)
    /// How long a head may take.
    package var headMax = TimeAmount.seconds(20)
    /// In each such time, bytes of a body have to arrive, and bytes of an answer have to be read, at this pace: bytes per
    /// second, on average.
    package var stallMax = TimeAmount.seconds(20)
    package var bytesPerSecondMin = 512
    /// Bytes of a refused body that are still read, so that the answer is not lost in a reset; and how long that goes on.
    package var discardedBytesMax = 64 << 20
    package var discardingMax = TimeAmount.seconds(10)
    /// How long a head that has begun may take when the listener stops.
    package var stopHeadMax = TimeAmount.seconds(1)

    /// Connections open at once.
    ///
    /// When there are as many, those end first that have no request, then those whose request arrives slowly; further ones wait in
    /// the kernel.
    package var connectionsMax = 16_384

    /// Connections of one address, those of a proxy aside; 0 for no bound.
    package var addressConnectionsMax = 0

    /// Bytes of bodies that have arrived in part, and of answers that are not taken yet, in the process.
    package var bytesInFlightMax = 256 << 20
    /// The same of one address; 0 for no bound.
    package var addressBytesInFlightMax = 0

    package init() {}
}
