package import NIOCore

/// The bounds of the Redis client that no setting changes.
package enum RedisLimits {
    /// Commands sent or waiting on one connection.
    package static let inFlightMax = 8_192
    /// Bytes of the commands sent or waiting on one connection.
    ///
    /// One command alone may be larger.
    package static let inFlightBytesMax = 64 << 20
    /// Bytes of one reply, and of what arrived beyond it.
    ///
    /// A longer one breaks the connection.
    package static let replyBytesMax = 64 << 20
    /// From a call to its reply, unless a client is given another time.
    package static let deadline = Duration.seconds(4)
    /// How long after the loss of a connection (or the first command) commands still wait for the next one.
    ///
    /// It spans a quick restart of Redis. After that commands fail at once, so that an outage does not pile up callers.
    package static let connectionWaitMax = TimeAmount.seconds(1)
    /// From the start of a connection attempt to its TCP or Unix connection, and again to the end of the handshake.
    ///
    /// An address is looked up for as long.
    package static let connectTimeout = TimeAmount.seconds(2)
    /// From the start of a connection to a Sentinel to its answer: a silent one must not keep the others from being asked.
    package static let sentinelTimeout = TimeAmount.milliseconds(500)
    /// Sentinels that are asked, those of the URL and those they name.
    package static let sentinelsMax = 32
    /// Sentinels that a client listens to, each over a connection, where there are so many.
    package static let sentinelsListenedMin = 3
    package static let sentinelsListenedMax = 5
    /// Bytes of one reply of a Sentinel.
    package static let sentinelReplyBytesMax = 256 << 10
    /// Masters of a cluster, as many as Redis is made for.
    package static let clusterMastersMax = 1_000
    /// Bytes of the name of a host that a server names, as many as DNS allows.
    package static let hostBytesMax = 255
    /// How often a connection asks its server whether it is still a master that holds the same store.
    package static let probeInterval = TimeAmount.milliseconds(500)
    /// What a blocking read gets beyond its block time before its connection counts as broken.
    package static let blockingMargin = Duration.seconds(2)
}
