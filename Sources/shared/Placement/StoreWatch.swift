package import Logging
import Metrics
import Runtime
import ServiceLifecycle
package import Store

/// The Redis of a store was emptied, or another one is at its address, while a process was using it.
///
/// What the process remembers (how ids are made, where queues live, what it has leased) is of a store that is gone, so it
/// has to start anew.
package struct StoreReplaced: Error, CustomStringConvertible {
    package let name: String

    package var description: String {
        "the Redis of the store \(self.name) was emptied or is another one: its data is gone, "
            + "and a process that knew it has to be started again"
    }
}

/// Checks one opened store, once a second.
///
/// | metric | unit | the question it answers |
/// |---|---|---|
/// | `herald.store.full` | 1 or 0 | is Redis out of memory, so that posts are refused? |
/// | `herald.store.positions.ahead` | seconds | did the clock of Redis run ahead once? |
///
/// Both have the dimension `pool`.
package struct StoreWatch: Service {
    /// How soon a replaced store ends the service after a connection has noticed it.
    private static let interval = Duration.milliseconds(200)
    private static let checksPerMeasurement = 5
    /// How often the same trouble is logged, in measurements: every five seconds.
    private static let measurementsPerLog = 5
    /// From here on positions that are ahead of the clock are no accident of many posts at once.
    private static let aheadMin = Duration.seconds(1)

    private let store: Store
    private let name: String
    private let logger: Logger
    private let full: Meter
    private let ahead: Meter

    /// - Parameter name: Of the pool, for logs and metrics.
    package init(_ store: Store, name: String, logger: Logger) {
        self.store = store
        self.name = name
        self.logger = logger
        self.full = Metric.storeFull.gauge(name)
        self.ahead = Metric.storePositionsAhead.gauge(name)
    }

    /// - Throws: ``StoreReplaced``, which is to end the process.
    package func run() async throws {
        let isReplaced = await cancelWhenGracefulShutdown { await self.watchUntilReplaced() }
        guard isReplaced else { return }
        let replaced = StoreReplaced(name: self.name)
        self.logger.critical("The store was replaced", metadata: ["error": "\(replaced)", "pool": "\(self.name)"])
        throw replaced
    }

    private func watchUntilReplaced() async -> Bool {
        var measurements = 0
        for checks in 0... {
            if Task.isCancelled { return false }
            if !self.store.isCurrent { return true }
            if checks.isMultiple(of: Self.checksPerMeasurement) {
                await self.measure(logging: measurements.isMultiple(of: Self.measurementsPerLog))
                measurements += 1
            }
            // Cancelled while sleeping: the loop's condition sees it.
            try? await Task.sleep(for: Self.interval)
        }
        return false
    }

    private func measure(logging: Bool) async {
        do throws(StoreError) {
            let isFull = try await !self.store.probeWritable()
            self.full.set(isFull ? 1 : 0)
            let ahead = try await self.store.positionsAhead()
            self.ahead.set(ahead / .seconds(1))
            guard logging else { return }
            if isFull {
                self.logger.warning(
                    "Redis has reached maxmemory: posts are refused, what frees memory goes on",
                    metadata: ["pool": "\(self.name)"])
            }
            if ahead >= Self.aheadMin {
                self.logger.warning(
                    "Positions are ahead of the clock of Redis, which must have been ahead once",
                    metadata: ["pool": "\(self.name)", "ahead": "\(ahead)"])
            }
        } catch {
            self.logger.debug("The store cannot be checked now", metadata: ["error": "\(error)"])
        }
    }
}
