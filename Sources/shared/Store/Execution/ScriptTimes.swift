import Metrics
import NIOConcurrencyHelpers
import Redis
import Runtime

/// How long callers wait for each script, from the call to the reply, in this process.
///
/// There are as many series as scripts of this store, whatever callers send.
final class ScriptTimes: Sendable {
    static let shared = ScriptTimes()

    private let timers = NIOLockedValueBox<[String: Timer]>([:])

    private init() {}

    func record(_ script: RedisScript, since start: ContinuousClock.Instant) {
        let took = ContinuousClock.now - start
        let timer = self.timers.withLockedValue { timers in
            let timer = timers[script.name] ?? Metric.storeScript.timer(String(script.name.prefix { $0 != "." }))
            timers[script.name] = timer
            return timer
        }
        timer.recordMicroseconds(took / .microseconds(1))
    }
}
