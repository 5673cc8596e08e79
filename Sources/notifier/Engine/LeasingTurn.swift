import NIOConcurrencyHelpers

/// Lets one of a lane's two loops lease at a time, so that attempts start in the order in which they were handed out.
///
/// The pump waits for its turn; the settler takes it when it is free, and otherwise leaves leasing to the pump.
package final class LeasingTurn: Sendable {
    private enum State {
        case free
        case taken
        case awaited(CheckedContinuation<Void, Never>)
    }

    private let state = NIOLockedValueBox(State.free)

    package init() {}

    package var isTaken: Bool {
        self.state.withLockedValue { state in
            if case .free = state { false } else { true }
        }
    }

    /// - Returns: false when somebody else has it.
    package func takeIfFree() -> Bool {
        self.state.withLockedValue { state in
            guard case .free = state else { return false }
            state = .taken
            return true
        }
    }

    /// Waits until it is free; for one task only.
    package func take() async {
        if self.takeIfFree() { return }
        await withCheckedContinuation { continuation in
            let isTaken = self.state.withLockedValue { state in
                switch state {
                case .free:
                    state = .taken
                    return true
                case .taken:
                    state = .awaited(continuation)
                    return false
                case .awaited: preconditionFailure("two tasks wait for one turn")
                }
            }
            if isTaken { continuation.resume() }
        }
    }

    /// Passes it to the task that waits for it.
    package func pass() {
        let waiter: CheckedContinuation<Void, Never>? = self.state.withLockedValue { state in
            switch state {
            case .free: preconditionFailure("a turn was passed by nobody who had it")
            case .taken:
                state = .free
                return nil
            case .awaited(let waiter):
                state = .taken
                return waiter
            }
        }
        waiter?.resume()
    }
}
