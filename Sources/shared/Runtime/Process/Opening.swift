package import Logging
package import ServiceLifecycle
import Settings

/// Runs services that first need something which may not be there yet.
///
/// Orchestrators start things in any order, so a process whose Redis is not up waits for it instead of dying; meanwhile
/// its other services (the admin server, the pool itself) run and say that it is not ready. A ``SettingError`` cannot be
/// cured by waiting: it ends the process with status 78. ``NotNow`` is: it is also what a service that runs may throw, and
/// then the others stop within the drain time, and all is opened anew when it may be.
package struct Opening<Opened: Sendable>: Service {
    private let what: String
    private let logger: Logger
    private let readiness: ReadinessGate?
    private let open: @Sendable () async throws -> Opened
    private let services: @Sendable (Opened) async throws -> [any Service]

    /// How long until it is tried again.
    private let pause: Duration
    private let drain: Duration

    /// - Parameters:
    ///   - what: What is opened, for the log: "the store".
    ///   - drain: How long what was opened may take to stop; then it is cancelled.
    ///   - readiness: Says why it has to wait.
    ///   - open: Tried until it succeeds or throws a ``SettingError``.
    ///   - services: What runs from then on, in start order; stopped in the opposite order.
    package init(
        _ what: String, drain: Duration, logger: Logger, readiness: ReadinessGate? = nil,
        pause: Duration = .milliseconds(250),
        open: @escaping @Sendable () async throws -> Opened,
        services: @escaping @Sendable (Opened) async throws -> [any Service]
    ) {
        self.what = what
        self.drain = drain
        self.logger = logger
        self.readiness = readiness
        self.pause = pause
        self.open = open
        self.services = services
    }

    package func run() async throws {
        // Asked to stop while opening: there is nothing to drain yet.
        while let opened = try await cancelWhenGracefulShutdown({ try await self.opened() }) {
            var configuration = ServiceGroupConfiguration(
                services: try await self.services(opened).map(essential), logger: self.logger)
            configuration.maximumGracefulShutdownDuration = self.drain
            do {
                return try await ServiceGroup(configuration: configuration).run()
            } catch let error as any NotNow {
                self.wait(error, reason: error.reason)
            }
        }
    }

    private func opened() async throws -> Opened? {
        var said = ""
        while !Task.isCancelled {
            do {
                return try await self.open()
            } catch let error as SettingError {
                throw error
            } catch {
                // Once for each reason: it may be Redis first, and something else when that is there.
                let reason = (error as? any NotNow)?.reason ?? "waiting for \(self.what)"
                if reason != said && !Task.isCancelled {
                    said = reason
                    self.wait(error, reason: reason)
                }
                // Cancelled while sleeping: the loop's condition sees it.
                try? await Task.sleep(for: self.pause)
            }
        }
        return nil
    }

    private func wait(_ error: any Error, reason: String) {
        self.readiness?.wait(reason)
        self.logger.warning("Waiting for \(self.what)", metadata: [LogKey.error: "\(error)"])
    }
}
