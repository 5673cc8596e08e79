import HTTPServer
import Metrics
import NIOConcurrencyHelpers
import NIOCore
import Runtime

/// How long requests take (``Metric/requestDuration``).
///
/// Route and method are recorded for requests that reached a route of the API. Those refused by their head, and preflights, are
/// counted together as `unknown` and `other`: any client can send them, with any path and method.
final class RESTMetrics: Sendable {
    private struct Key: Hashable {
        /// The place of its path in the table; nil for a request that reached no route, then ``method`` is nil, too.
        let route: Int?
        let method: HTTPMethod?
        /// The first digit of the status.
        let statusClass: Int
    }

    private let timers = NIOLockedValueBox<[Key: Metrics.Timer]>([:])

    /// - Parameter reached: nil for a request that reached no route.
    func record(
        _ reached: (path: RoutePath, method: HTTPMethod)?, _ status: HTTPStatus,
        since start: NIODeadline
    ) {
        let key = Key(route: reached?.path.index, method: reached?.method, statusClass: status.code / 100)
        let timer = self.timers.withLockedValue { timers in
            if let timer = timers[key] { return timer }
            let timer = Metric.requestDuration.timer(
                reached?.path.template ?? "unknown", key.method?.rawValue ?? "other", "\(key.statusClass)xx")
            timers[key] = timer
            return timer
        }
        timer.recordNanoseconds((NIODeadline.now() - start).nanoseconds)
    }
}
