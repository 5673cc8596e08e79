import Logging
import NIOConcurrencyHelpers
import Runtime

/// Warns that Redis is in trouble, at most once in five seconds over all shards.
final class TroubleLog: Sendable {
    private static let pause = Duration.seconds(5)

    private let logger: Logger
    private let lastTold = NIOLockedValueBox<ContinuousClock.Instant?>(nil)

    init(logger: Logger) {
        self.logger = logger
    }

    func note(_ what: Logger.Message, _ error: any Error, shard: Int? = nil) {
        let now = ContinuousClock.now
        let isTold = self.lastTold.withLockedValue { last in
            if let told = last, now - told < Self.pause { return true }
            last = now
            return false
        }
        var metadata: Logger.Metadata = [LogKey.error: "\(error)"]
        if let shard { metadata[LogKey.shard] = "\(shard)" }
        self.logger.log(level: isTold ? .debug : .warning, what, metadata: metadata)
    }
}
