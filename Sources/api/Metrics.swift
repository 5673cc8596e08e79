import HTTPTypes
import Metrics
import NIOConcurrencyHelpers
import NIOCore

/// What the API counts.
///
/// | label | unit | dimensions | the question it answers |
/// |---|---|---|---|
/// | `http.server.request.duration` | seconds | `route` (template), `method`, `status` (class) | how long callers wait, and how often in vain |
final class RESTMetrics: Sendable {
    private struct Key: Hashable {
        /// nil for a path that is not served.
        let route: Resource?
        /// One of ``methods``; nil for any other.
        let method: HTTPRequest.Method?
        /// The first digit of the status.
        let statusClass: Int
    }

    /// Methods that have a series of their own; callers can make up any number of others.
    private static let methods: Set<HTTPRequest.Method> = [.get, .head, .put, .post, .patch, .delete, .options]

    private let timers = NIOLockedValueBox<[Key: Metrics.Timer]>([:])

    func record(_ route: Route?, _ method: HTTPRequest.Method, _ status: HTTPResponse.Status, since start: NIODeadline)
    {
        let key = Key(
            route: route?.resource, method: Self.methods.contains(method) ? method : nil,
            statusClass: status.code / 100)
        let timer = self.timers.withLockedValue { timers in
            if let timer = timers[key] { return timer }
            let timer = Metrics.Timer(
                label: "http.server.request.duration",
                dimensions: [
                    ("route", key.route?.template ?? "unknown"), ("method", key.method?.rawValue ?? "other"),
                    ("status", "\(key.statusClass)xx"),
                ])
            timers[key] = timer
            return timer
        }
        timer.recordNanoseconds((NIODeadline.now() - start).nanoseconds)
    }
}
