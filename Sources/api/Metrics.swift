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
        let route: String
        let method: String
        let status: String
    }

    /// Methods that have a series of their own; callers can make up any number of others.
    private static let methods: Set<String> = ["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"]

    private let timers = NIOLockedValueBox<[Key: Metrics.Timer]>([:])

    func record(_ route: Route?, _ method: HTTPRequest.Method, _ status: HTTPResponse.Status, since start: NIODeadline)
    {
        let name = Self.methods.contains(method.rawValue) ? method.rawValue : "other"
        let key = Key(
            route: route?.resource.template ?? "unknown", method: name, status: "\(status.code / 100)xx")
        let timer = self.timers.withLockedValue { timers in
            if let timer = timers[key] { return timer }
            let timer = Metrics.Timer(
                label: "http.server.request.duration",
                dimensions: [("route", key.route), ("method", key.method), ("status", key.status)])
            timers[key] = timer
            return timer
        }
        timer.recordNanoseconds((NIODeadline.now() - start).nanoseconds)
    }
}
