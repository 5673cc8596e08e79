import NIOConcurrencyHelpers

/// Runs a piece of work once for all that want its value while it runs, each for as long as it has time.
///
/// The work runs in a task of its own: it has a deadline of its own, and goes on when the caller that began it has given up.
package final class SharedWork<Value: Sendable>: Sendable {
    private struct State {
        var isRunning = false
        var last: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Value?, Never>] = [:]
    }

    private let state = NIOLockedValueBox(State())

    package init() {}

    /// How many wait for a value.
    package var waiting: Int { self.state.withLockedValue { $0.waiters.count } }

    /// - Parameters:
    ///   - deadline: Of this caller.
    ///   - work: Has to end within a known time. It runs unless there is one already.
    /// - Returns: nil when there was no value in time.
    package func value(
        until deadline: ContinuousClock.Instant, _ work: @escaping @Sendable () async -> Value
    ) async -> Value? {
        var timer: Task<Void, Never>?
        let value = await withCheckedContinuation { (waiter: CheckedContinuation<Value?, Never>) in
            let (number, begins) = self.state.withLockedValue { state in
                defer { state.isRunning = true }
                state.last += 1
                state.waiters[state.last] = waiter
                return (state.last, !state.isRunning)
            }
            // Not in a group: both outlive what waits for them.
            if begins { Task { self.end(await work()) } }
            timer = Task {
                // Cancelled, it finds no waiter.
                try? await Task.sleep(until: deadline, clock: .continuous)
                self.state.withLockedValue { $0.waiters.removeValue(forKey: number) }?.resume(returning: nil)
            }
        }
        timer?.cancel()
        return value
    }

    private func end(_ value: Value) {
        let waiters = self.state.withLockedValue { state in
            defer { (state.isRunning, state.waiters) = (false, [:]) }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume(returning: value) }
    }
}
