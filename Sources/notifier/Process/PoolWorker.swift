import HTTPClient
package import Logging
import NIOConcurrencyHelpers
package import Runtime
package import ServiceLifecycle

/// Runs what serves one pool, and starts it again when it cannot start or fails; others go on meanwhile.
package struct PoolWorker: Service {
    private let name: String
    private let health: PoolHealth
    private let number: Int
    private let logger: Logger
    private let pauseFirst: Duration
    private let services: @Sendable () async throws -> [any Service]

    /// - Parameters:
    ///   - name: Of the pool.
    ///   - health: Keeps why the pool is not served.
    ///   - services: Made anew for each try, in start order; a stop runs backwards.
    package init(
        name: String, health: PoolHealth, logger: Logger, pauseFirst: Duration = .milliseconds(500),
        services: @escaping @Sendable () async throws -> [any Service]
    ) {
        self.name = name
        self.health = health
        self.number = health.newWorker()
        self.logger = logger
        self.pauseFirst = pauseFirst
        self.services = services
    }

    /// Returns when a stop is asked for and everything has stopped.
    package func run() async throws {
        var pauses = RestartPause(first: self.pauseFirst)
        while !Task.isCancelled {
            let pause: Duration
            let start = ContinuousClock.now
            do {
                let services = try await self.services()
                self.health.set(nil, of: self.name, by: self.number)
                try await ServiceGroup(configuration: .init(services: services, logger: self.logger)).run()
                return
            } catch {
                if error is CancellationError { return }
                pause = pauses.next(after: ContinuousClock.now - start)
                self.health.set(Self.reason(error), of: self.name, by: self.number)
                self.logger.error(
                    "A pool cannot be served, its start is tried again",
                    metadata: ["pool": "\(self.name)", LogKey.error: "\(error)", "pause": "\(pause)"])
            }
            do { try await cancelWhenGracefulShutdown { try await Task.sleep(for: pause) } } catch { break }
        }
        // Removed, or the process stops: it needs no worker any more.
        self.health.set(nil, of: self.name, by: self.number)
    }

    /// The reason for an operator: without addresses, which an error of the network may hold.
    private static func reason(_ error: any Error) -> String {
        if let error = error as? HTTPClientError { "\(error)" } else { "its start failed, as the log says" }
    }
}

/// Which pools cannot be served, and why.
///
/// A pool that is replaced has two workers for a while; what one of them says is not undone by the other.
package final class PoolHealth: Sendable {
    private struct State {
        var workersEver = 0
        var faults: [Int: (pool: String, reason: String)] = [:]
    }

    private let state = NIOLockedValueBox(State())

    package init() {}

    /// A number for one worker of a pool.
    package func newWorker() -> Int {
        self.state.withLockedValue { state in
            state.workersEver += 1
            return state.workersEver
        }
    }

    /// - Parameters:
    ///   - reason: A few words for an operator; nil: the pool is served by this worker, or was removed.
    ///   - worker: As ``newWorker()`` gave it.
    package func set(_ reason: String?, of pool: String, by worker: Int) {
        self.state.withLockedValue { $0.faults[worker] = reason.map { (pool, $0) } }
    }

    /// Names the first of the pools that are not served, in the order of their names.
    package var readiness: Readiness {
        let faults = self.state.withLockedValue { $0.faults.values }
        guard let first = faults.min(by: { $0.pool < $1.pool }) else { return .ready }
        let others = faults.count > 1 ? ", and \(faults.count - 1) more" : ""
        return .notReady("pool \(first.pool) is not served: \(first.reason)\(others)")
    }
}

/// How long until what failed is started again: twice as long each time, and as at first once it went well for long.
package struct RestartPause: Sendable {
    package static let longest = Duration.seconds(30)

    private let first: Duration
    private var coming: Duration

    package init(first: Duration) {
        self.first = first
        self.coming = first
    }

    /// - Parameter ran: How long it went well this time.
    package mutating func next(after ran: Duration) -> Duration {
        if ran >= Self.longest { self.coming = self.first }
        defer { self.coming = min(self.coming * 2, Self.longest) }
        return self.coming
    }
}
