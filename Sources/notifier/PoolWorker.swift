import HTTPClient
package import Logging
import Runtime
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
    ///   - health: Told why the pool is not served.
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
        // Removed, or the process stops: it is missed no more.
        self.health.set(nil, of: self.name, by: self.number)
    }

    /// What an operator is told: without addresses, which an error of the network may hold.
    private static func reason(_ error: any Error) -> String {
        if let error = error as? HTTPClientError { "\(error)" } else { "its start failed, as the log tells" }
    }
}
