import NIOConcurrencyHelpers

/// Resumes one waiting task; any number of signals before it looks are one.
///
/// Cancellation does not end the waiting, as it would with an `AsyncStream`: results must be written down also by a task
/// that was cancelled, so only ``finish()`` ends it.
package final class AsyncSignal: Sendable {
    private enum State {
        case idle
        case signalled
        case waiting(CheckedContinuation<Bool, Never>)
        case finished
    }

    private let state = NIOLockedValueBox(State.idle)

    package init() {}

    package func signal() {
        self.change { state in
            switch state {
            case .idle: state = .signalled
            case .waiting(let waiter):
                state = .idle
                return (waiter, true)
            case .signalled, .finished: break
            }
            return nil
        }
    }

    /// Ends the waiting, for good.
    package func finish() {
        self.change { state in
            defer { state = .finished }
            guard case .waiting(let waiter) = state else { return nil }
            return (waiter, false)
        }
    }

    /// Returns at the next signal, or at once when there was one since the last time.
    ///
    /// For one task only; the task that waited before another does is resumed.
    ///
    /// - Returns: false when the signal is finished.
    package func wait() async -> Bool {
        await withCheckedContinuation { continuation in
            self.change { state in
                switch state {
                case .idle: state = .waiting(continuation)
                case .signalled:
                    state = .idle
                    return (continuation, true)
                case .finished: return (continuation, false)
                case .waiting(let earlier):
                    state = .waiting(continuation)
                    return (earlier, true)
                }
                return nil
            }
        }
    }

    private func change(_ body: (inout State) -> (CheckedContinuation<Bool, Never>, Bool)?) {
        // Resumed outside of the lock: the waiter may call back at once.
        if let (waiter, isSignal) = self.state.withLockedValue({ body(&$0) }) { waiter.resume(returning: isSignal) }
    }
}
