import Dispatch
import Foundation
import Logging
import NIOConcurrencyHelpers
import ServiceLifecycle

/// Ends the process when a stop takes longer than it may.
///
/// The service group cancels what is not done when the drain time is over. Something that does not hear cancellation would
/// still keep the process; after a margin the kernel takes it, and Redis hands its leases to others.
final class HardDeadline: Service {
    /// What lies between the cancellation and the end.
    static let margin = Duration.seconds(3)

    private let drain: Duration
    private let logger: Logger
    private let isLifted = NIOLockedValueBox(false)

    init(after drain: Duration, logger: Logger) {
        self.drain = drain
        self.logger = logger
    }

    func run() async throws {
        // Cancelled or asked to stop: the process ends either way, and the clock starts.
        try? await gracefulShutdown()
        self.logger.notice("Stopping", metadata: ["drain": "\(self.drain)"])
        self.after(self.drain) { logger in
            logger.warning("The drain time is over, what is under way is cancelled")
        }
        let limit = self.drain + Self.margin
        self.after(limit) { logger in
            logger.critical("The stop took too long, ending now", metadata: ["limit": "\(limit)"])
            _exit(1)
        }
    }

    /// Everything has stopped in time.
    func lift() {
        self.isLifted.withLockedValue { $0 = true }
    }

    /// On a queue of its own: the deadline must hold also when every thread of the concurrency pool is stuck.
    private func after(_ pause: Duration, _ body: @escaping @Sendable (Logger) -> Void) {
        DispatchQueue(label: "hard-deadline").asyncAfter(
            deadline: .now() + .milliseconds(Int(pause / .milliseconds(1)))
        ) { [logger, isLifted] in
            if !isLifted.withLockedValue({ $0 }) { body(logger) }
        }
    }
}
