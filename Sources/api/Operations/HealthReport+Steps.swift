package import Domain
import Foundation
package import Logging
import Runtime

extension HealthReport {
    package typealias Work = @Sendable () async throws -> Void

    /// After this no further step is begun, so that a store that hangs is hung on once, and again for the last step.
    ///
    /// Longer than the five seconds of every other answer: a slow store is not a broken one, and a check that gives up on
    /// it says so. Whether the store is there at all was asked before.
    private static let timeMax = Duration.seconds(10)

    /// Takes the steps one after the other, also behind one that failed, and the last one always: it cleans up.
    package static func of(
        _ steps: [(name: String, work: Work)], finally last: (name: String, work: Work), logger: Logger
    ) async -> HealthReport {
        let started = ContinuousClock.now
        var done: [Step] = []
        for step in steps {
            let isLate = ContinuousClock.now - started > Self.timeMax
            done.append(
                await Self.take(step.name, logger) { if isLate { throw Late() } else { try await step.work() } })
        }
        done.append(await Self.take(last.name, logger, last.work))
        return HealthReport(isReachable: true, steps: done)
    }

    private struct Late: Error {}

    private static func take(_ name: String, _ logger: Logger, _ work: Work) async -> Step {
        let started = ContinuousClock.now
        var reference: String?
        do {
            try await work()
        } catch {
            let fresh = UUID().uuidString.lowercased()
            reference = fresh
            logger.error(
                "A step of the health check failed",
                metadata: ["health.step": "\(name)", "health.ref": "\(fresh)", LogKey.error: "\(error)"])
        }
        let elapsed = (ContinuousClock.now - started).components
        return Step(
            name: name, seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18, reference: reference)
    }
}
