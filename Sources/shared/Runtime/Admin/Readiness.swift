import NIOConcurrencyHelpers
import ServiceLifecycle

/// Whether a process can do its work now.
package enum Readiness: Sendable, Equatable {
    case ready
    /// It can work, and an operator should know something: a few words without addresses or secrets.
    case readyBut(String)
    /// A few words for an operator, without addresses or secrets.
    case notReady(String)
}

/// Answers "are you ready?" for one process: not yet, then by a probe, and no more once it stops.
package final class ReadinessGate: Service {
    package typealias Probe = @Sendable () async -> Readiness

    private enum State: Sendable {
        case waiting(String)
        case open(Probe)
        case closed(String)
    }

    private let state: NIOLockedValueBox<State>

    package init(waitingFor what: String) {
        self.state = NIOLockedValueBox(.waiting("waiting for \(what)"))
    }

    /// From here on the probe decides.
    ///
    /// Without effect once the gate is closed.
    package func open(_ probe: @escaping Probe) {
        self.state.withLockedValue { state in
            switch state {
            case .waiting, .open: state = .open(probe)
            case .closed: break
            }
        }
    }

    /// Not ready, for this reason, until it is opened again.
    ///
    /// Without effect once the gate is closed.
    package func wait(_ reason: String) {
        self.state.withLockedValue { state in
            switch state {
            case .waiting, .open: state = .waiting(reason)
            case .closed: break
            }
        }
    }

    /// Not ready any more, for good: load balancers send new work elsewhere while the process drains.
    package func close(_ reason: String) {
        self.state.withLockedValue { $0 = .closed(reason) }
    }

    /// Closes the gate as soon as the process is asked to stop.
    package func run() async throws {
        // Cancelled or asked to stop: the process ends either way.
        try? await gracefulShutdown()
        self.close("stopping")
    }

    /// Asks; the probe gets `limit`, and a probe that has no answer by then is a "no".
    package func check(within limit: Duration) async -> Readiness {
        switch self.state.withLockedValue({ $0 }) {
        case .waiting(let reason): return .notReady(reason)
        case .closed(let reason): return .notReady(reason)
        case .open(let probe): return await Self.ask(probe, within: limit)
        }
    }

    private static func ask(_ probe: @escaping Probe, within limit: Duration) async -> Readiness {
        await withCheckedContinuation { continuation in
            let waiting = NIOLockedValueBox<CheckedContinuation<Readiness, Never>?>(continuation)
            let answer: @Sendable (Readiness) -> Void = { readiness in
                let first = waiting.withLockedValue { waiting in
                    defer { waiting = nil }
                    return waiting
                }
                first?.resume(returning: readiness)
            }
            // Not in a group: leaving one waits for its tasks, and a probe may sit in a call that does not hear
            // cancellation. The probe ends by the deadline of what it asks.
            Task { answer(await probe()) }
            Task {
                // This sleep is never cancelled, so it cannot throw.
                try? await Task.sleep(for: limit)
                answer(.notReady("no answer in time"))
            }
        }
    }
}
