internal import Logging
internal import NIOCore

/// Logs an outage of one connection once when it begins and once when it ends, and its repeats at `debug`.
struct OutageLog: Sendable {
    private let logger: Logger
    private let peer: StaticString
    private var isOut = false

    init(_ logger: Logger, peer: StaticString) {
        self.logger = logger
        self.peer = peer
    }

    /// The connection, or an attempt at one, failed.
    mutating func lost(_ absence: RedisError.NotSent, _ error: any Error, retryingIn pause: TimeAmount) {
        self.logger.log(
            level: self.isOut ? .debug : .warning,
            error is ChannelsRefused ? "\(self.peer) refuses to be listened to" : self.message(absence),
            metadata: ["error": "\(error)", "redis.retry_in_ms": "\(pause.nanoseconds / 1_000_000)"])
        self.isOut = true
    }

    /// There is a connection again.
    mutating func recovered() {
        guard self.isOut else { return }
        self.isOut = false
        self.logger.notice("\(self.peer) is back")
    }

    private func message(_ absence: RedisError.NotSent) -> Logger.Message {
        switch absence {
        case .replica: "Redis is a replica and takes no writes"
        case .loading: "Redis is reading its data"
        default: "\(self.peer) is not reachable"
        }
    }
}
