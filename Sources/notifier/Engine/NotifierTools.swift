import Domain
import Logging
import NIOConcurrencyHelpers
import Runtime
import Store

/// What all lanes of a notifier work with.
struct NotifierTools: Sendable {
    let store: Store
    let client: WebhookClient
    let attempts: Attempts
    let slots: Slots
    let hosts: HostLedger
    let clock: RedisClock
    let settings: EngineSettings
    let metrics: NotifierMetrics
    let lanes: Lanes
    let trouble: TroubleLog
    let logger: Logger

    /// Gives slots back and wakes whoever waits for them.
    func free(_ slots: Int, bytes: Int = 0) {
        if let shard = self.slots.release(slots, bytes: bytes) { self.lanes[shard].request(.lease) }
    }
}

/// The lanes, by shard; known to each other only to pass slots on, and to their settlers.
final class Lanes: Sendable {
    private let all = NIOLockedValueBox<[Lane]>([])

    func open(_ lanes: [Lane]) {
        self.all.withLockedValue { $0 = lanes }
    }

    subscript(shard: Int) -> Lane {
        self.all.withLockedValue { $0[shard] }
    }
}

/// Tells an operator that Redis is in trouble, and does not tell it again for each shard and try.
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
