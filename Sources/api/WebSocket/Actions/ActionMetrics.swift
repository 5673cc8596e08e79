import Metrics
import NIOConcurrencyHelpers
import NIOCore
import Runtime

/// How long actions take (``Metric/actionDuration``).
///
/// Requests that name no action are counted together as `unknown`: any client can send them, with any name.
final class ActionMetrics: Sendable {
    private struct Key: Hashable {
        /// nil for a request that names none.
        let action: String?
        /// The first digit of the status.
        let statusClass: Int
    }

    private let timers = NIOLockedValueBox<[Key: Metrics.Timer]>([:])

    func record(_ action: Action?, _ status: Int, since start: NIODeadline) {
        let key = Key(action: action?.name, statusClass: status / 100)
        let timer = self.timers.withLockedValue { timers in
            if let timer = timers[key] { return timer }
            let timer = Metric.actionDuration.timer(key.action ?? "unknown", "\(key.statusClass)xx")
            timers[key] = timer
            return timer
        }
        timer.recordNanoseconds((NIODeadline.now() - start).nanoseconds)
    }
}
