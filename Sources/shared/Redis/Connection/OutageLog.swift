internal import Logging
internal import NIOCore

/// Logs an outage of one connection once when it begins and once when it ends, and its repeats at `debug`.
struct OutageLog: Sendable {
    private let logger: Logger
    private var isOut = false

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// The connection, or an attempt at one, failed.
    mutating func lost(_ absence: RedisError.NotSent, _ error: any Error, retryingIn pause: TimeAmount) {
        self.logger.log(
            level: self.isOut ? .debug : .warning,
            error is ChannelsRefused ? "Redis refuses to be listened to" : Self.message(absence),
            metadata: ["error": "\(error)", "redis.retry_in_ms": "\(pause.nanoseconds / 1_000_000)"])
        self.isOut = true
    }

    /// There is a connection again.
    mutating func recovered() {
        guard self.isOut else { return }
        self.isOut = false
        self.logger.notice("Redis is back")
    }

    private static func message(_ absence: RedisError.NotSent) -> Logger.Message {
        switch absence {
        case .replica: "Redis is a replica and takes no writes"
        case .loading: "Redis is reading its data"
        default: "Redis is not reachable"
        }
    }
}
