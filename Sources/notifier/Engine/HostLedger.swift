import NIOConcurrencyHelpers

/// How many attempts are under way to each host, so that one that is slow, with many subscriptions, cannot have all slots.
///
/// A host is what a connection is made to: the origin that ``HTTPURL`` gives.
package final class HostLedger: Sendable {
    private let limit: Int
    private let underWay = NIOLockedValueBox<[String: Int]>([:])

    package init(limit: Int) {
        precondition(limit > 0, "a host without an attempt gets nothing")
        self.limit = limit
    }

    /// Counts an attempt, unless there are as many as may be.
    package func enter(_ host: String) -> Bool {
        self.underWay.withLockedValue { underWay in
            guard underWay[host, default: 0] < self.limit else { return false }
            underWay[host, default: 0] += 1
            return true
        }
    }

    package func leave(_ host: String) {
        self.underWay.withLockedValue { underWay in
            let left = (underWay[host] ?? 0) - 1
            precondition(left >= 0, "an attempt left a host twice")
            underWay[host] = left > 0 ? left : nil
        }
    }
}
