import NIOConcurrencyHelpers
package import Runtime

/// Which pools cannot be served, and why.
package final class PoolHealth: Sendable {
    private let faults = NIOLockedValueBox<[String: String]>([:])

    /// - Parameter reason: A few words for an operator; nil: the pool is served, or is none any more.
    package init() {}

    package func set(_ reason: String?, of pool: String) {
        self.faults.withLockedValue { $0[pool] = reason }
    }

    /// Names the first of the pools that are not served, in the order of their names.
    package var readiness: Readiness {
        let faults = self.faults.withLockedValue { $0 }
        guard let first = faults.min(by: { $0.key < $1.key }) else { return .ready }
        let others = faults.count > 1 ? ", and \(faults.count - 1) more" : ""
        return .notReady("pool \(first.key) is not served: \(first.value)\(others)")
    }
}
