import NIOConcurrencyHelpers

/// Wakes one waiting task; any number of calls before it looks are one.
///
/// It does not hear cancellation, as an `AsyncStream` would: results must be written down also by a task that was cancelled,
/// so only ``finish()`` ends the waiting.
final class Wake: Sendable {
    private enum State {
        case idle
        case called
        case waiting(CheckedContinuation<Bool, Never>)
        case finished
    }

    private let state = NIOLockedValueBox(State.idle)

    func call() {
        self.change { state in
            switch state {
            case .idle: state = .called
            case .waiting(let waiter):
                state = .idle
                return (waiter, true)
            case .called, .finished: break
            }
            return nil
        }
    }

    /// Ends the waiting, for good.
    func finish() {
        self.change { state in
            defer { state = .finished }
            guard case .waiting(let waiter) = state else { return nil }
            return (waiter, false)
        }
    }

    /// Returns at the next call, or at once when there was one since the last time.
    ///
    /// For one task only.
    ///
    /// - Returns: false when it is finished.
    func wait() async -> Bool {
        await withCheckedContinuation { continuation in
            self.change { state in
                switch state {
                case .idle: state = .waiting(continuation)
                case .called:
                    state = .idle
                    return (continuation, true)
                case .finished: return (continuation, false)
                case .waiting: preconditionFailure("two tasks wait for one wake")
                }
                return nil
            }
        }
    }

    private func change(_ body: (inout State) -> (CheckedContinuation<Bool, Never>, Bool)?) {
        // Resumed outside of the lock: the waiter may call back at once.
        if let (waiter, isCall) = self.state.withLockedValue({ body(&$0) }) { waiter.resume(returning: isCall) }
    }
}
