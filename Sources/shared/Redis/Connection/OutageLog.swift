internal import Glibc
internal import Logging
internal import NIOCore
internal import NIOPosix

/// Logs an outage of one connection once for each thing that is wrong in turn, and once when it ends; repeats at `debug`.
struct OutageLog: Sendable {
    private let logger: Logger
    private let peer: StaticString
    /// What was said last of an outage; nil: there is none.
    private var said: String?

    init(_ logger: Logger, peer: StaticString) {
        self.logger = logger
        self.peer = peer
    }

    /// The connection, or an attempt at one, failed.
    ///
    /// - Parameter address: Where it led, or was to lead; nil: that is not known.
    mutating func lost(
        _ absence: RedisError.NotSent, _ error: any Error, at address: RedisEndpoint.Address?,
        retryingIn pause: TimeAmount
    ) {
        var metadata: Logger.Metadata = [
            "error": "\(Self.words(of: error))", "redis.retry_in_ms": "\(pause.nanoseconds / 1_000_000)",
        ]
        if let address { metadata[Self.address] = "\(address)" }
        let message = self.message(absence, error)
        self.logger.log(level: message == self.said ? .debug : .warning, "\(message)", metadata: metadata)
        self.said = message
    }

    /// There is a connection again.
    mutating func recovered(at address: RedisEndpoint.Address?) {
        guard self.said != nil else { return }
        self.said = nil
        self.logger.notice("\(self.peer) is back", metadata: address.map { [Self.address: "\($0)"] })
    }

    private static let address = "redis.address"

    private func message(_ absence: RedisError.NotSent, _ error: any Error) -> String {
        switch error {
        case is ChannelsRefused: return "\(self.peer) refuses to be listened to"
        case let unusable as ServerUnusable:
            switch (unusable.step, unusable.code) {
            case (.authenticate, "WRONGPASS"): return "\(self.peer) refuses the user or the password of its URL"
            case (_, "NOAUTH"): return "\(self.peer) wants a password, and its URL has none"
            case (.synced, SyncedWrites.unset):
                return "Redis does not sync each write to its disk, which redis.durability: disk takes"
            case (.synced, "NOPERM"):
                return
                    "Redis does not say whether it syncs each write, which redis.durability: disk takes: its user may not run CONFIG GET"
            default: break
            }
        default: break
        }
        switch absence {
        case .replica: return "Redis is a replica and takes no writes"
        case .loading: return "Redis is reading its data"
        default: return "\(self.peer) is not reachable"
        }
    }

    /// What is wrong, in the words of the system or of Redis.
    private static func words(of error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { return self.words(of: first.error) }
            return (error.dnsAError ?? error.dnsAAAAError).map { self.words(of: $0) } ?? "\(error)"
        case let error as IOError: return String(cString: strerror(error.errnoCode))
        case let unusable as ServerUnusable:
            return unusable.step.map { "\(unusable.code), in answer to \($0.name)" } ?? unusable.code
        default: return "\(error)"
        }
    }
}
