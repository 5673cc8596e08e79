import NIOConcurrencyHelpers
package import Runtime

/// Which pools cannot be served, and why.
///
/// A pool that is replaced has two workers for a while; what one of them says is not undone by the other.
package final class PoolHealth: Sendable {
    private struct State {
        var workersEver = 0
        var faults: [Int: (pool: String, reason: String)] = [:]
    }

    private let state = NIOLockedValueBox(State())

    package init() {}

    /// A number for one worker of a pool.
    package func newWorker() -> Int {
        self.state.withLockedValue { state in
            state.workersEver += 1
            return state.workersEver
        }
    }

    /// - Parameters:
    ///   - reason: A few words for an operator; nil: the pool is served by this worker, or is none any more.
    ///   - worker: As ``newWorker()`` gave it.
    package func set(_ reason: String?, of pool: String, by worker: Int) {
        self.state.withLockedValue { $0.faults[worker] = reason.map { (pool, $0) } }
    }

    /// Names the first of the pools that are not served, in the order of their names.
    package var readiness: Readiness {
        let faults = self.state.withLockedValue { $0.faults.values }
        guard let first = faults.min(by: { $0.pool < $1.pool }) else { return .ready }
        let others = faults.count > 1 ? ", and \(faults.count - 1) more" : ""
        return .notReady("pool \(first.pool) is not served: \(first.reason)\(others)")
    }
}
