import Dispatch
import Foundation
import Logging
import NIOConcurrencyHelpers
import ServiceLifecycle

/// Ends the process when a stop takes longer than it may.
///
/// The service group cancels what is not done when the drain time is over. Something that does not hear cancellation would
/// still keep the process; after a margin this ends it, and Redis hands its leases to others.
///
/// Nothing that can block stands between the signal and the end: the signal arrives by a dispatch source of its own, also
/// when every thread of the concurrency pool is stuck, and a thread that was started with the process does nothing but
/// sleep and call `_exit`. What is logged about the stop is logged elsewhere.
final class HardDeadline: Service {
    /// What lies between the cancellation and the end.
    static let margin = Duration.seconds(3)
    /// What lies between the last line about it and the end, for its writer.
    private static let lastLine = Duration.milliseconds(200)

    private struct State: Sendable {
        var isArmed = false
        var isLifted = false
    }

    private let drain: Duration
    private let logger: Logger
    private let state = NIOLockedValueBox(State())
    private let armed = DispatchSemaphore(value: 0)
    private let queue = DispatchQueue(label: "hard-deadline")

    init(after drain: Duration, logger: Logger) {
        self.drain = drain
        self.logger = logger
        Thread.detachNewThread {
            self.armed.wait()
            let limit = drain + Self.margin + Self.lastLine
            // Never signalled: a wait by a clock that no change of the date moves.
            _ = DispatchSemaphore(value: 0).wait(timeout: .now() + limit / .seconds(1))
            if !self.state.withLockedValue({ $0.isLifted }) { _exit(1) }
        }
    }

    func run() async throws {
        let sources = [SIGTERM, SIGINT].map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: self.queue)
            source.setEventHandler { self.arm() }
            source.resume()
            return source
        }
        // Cancelled or asked to stop, by a signal or by a service that failed: the clock starts either way.
        try? await gracefulShutdown()
        self.arm()
        for source in sources { source.cancel() }
    }

    /// Everything has stopped in time.
    func lift() {
        self.state.withLockedValue { $0.isLifted = true }
    }

    /// Starts the clock, once.
    private func arm() {
        let isFirst = self.state.withLockedValue { state in
            defer { state.isArmed = true }
            return !state.isArmed
        }
        guard isFirst else { return }
        self.armed.signal()
        self.logger.notice("Stopping", metadata: ["drain": "\(self.drain)"])
        let limit = self.drain + Self.margin
        self.queue.asyncAfter(deadline: .now() + limit / .seconds(1)) { [logger, state] in
            if !state.withLockedValue({ $0.isLifted }) {
                logger.critical("The stop took too long, ending now", metadata: ["limit": "\(limit)"])
            }
        }
    }
}

/// Says that the drain time is over.
///
/// It is the first service of a process, so that the group asks it to stop when all others have stopped. Being cancelled before
/// that means that the group cancels them.
struct DrainNotice: Service {
    let logger: Logger

    func run() async throws {
        do {
            try await gracefulShutdown()
        } catch {
            self.logger.warning("The drain time is over, what is under way is cancelled")
        }
    }
}
