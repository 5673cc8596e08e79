import NIOConcurrencyHelpers

/// Runs a piece of work once for all who ask for the same thing while it runs.
///
/// The first does the work in its own task; the others wait for it, also when their callers have gone. So the work has to end
/// within a known time.
package final class SingleFlight<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private enum Place {
        case first, joined(Value), full
    }

    private let runningMax: Int
    private let waiters = NIOLockedValueBox<[Key: [CheckedContinuation<Place, Never>]]>([:])

    /// - Parameter runningMax: Things that may be worked on at once.
    package init(runningMax: Int) {
        self.runningMax = runningMax
    }

    /// - Returns: nil when too much is being worked on.
    package func run(_ key: Key, _ work: () async -> Value) async -> Value? {
        let place = await withCheckedContinuation { (continuation: CheckedContinuation<Place, Never>) in
            let place = self.waiters.withLockedValue { waiters -> Place? in
                guard waiters[key] == nil else {
                    waiters[key]?.append(continuation)
                    return nil
                }
                guard waiters.count < self.runningMax else { return .full }
                waiters[key] = []
                return .first
            }
            if let place { continuation.resume(returning: place) }
        }
        switch place {
        case .full: return nil
        case .joined(let value): return value
        case .first:
            let value = await work()
            let waiting = self.waiters.withLockedValue { $0.removeValue(forKey: key) } ?? []
            for waiter in waiting { waiter.resume(returning: .joined(value)) }
            return value
        }
    }
}
