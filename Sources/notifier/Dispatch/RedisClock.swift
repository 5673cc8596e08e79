package import Domain
import NIOConcurrencyHelpers

/// What Redis' clock shows about now, computed from its last reply and the time that has passed since.
///
/// Never ahead of Redis, since the reply was on its way for a while: what is done by this clock is done a little late, not early.
package final class RedisClock: Sendable {
    private struct Reading {
        let shown: Timestamp
        let at: ContinuousClock.Instant
    }

    private let reading: NIOLockedValueBox<Reading>

    package init(shown: Timestamp, at instant: ContinuousClock.Instant = .now) {
        self.reading = NIOLockedValueBox(Reading(shown: shown, at: instant))
    }

    /// - Parameter instant: When the answer arrived.
    package func observe(_ shown: Timestamp, at instant: ContinuousClock.Instant = .now) {
        self.reading.withLockedValue { $0 = Reading(shown: shown, at: instant) }
    }

    package var now: Timestamp { self.now(at: .now) }

    package func now(at instant: ContinuousClock.Instant) -> Timestamp {
        let reading = self.reading.withLockedValue { $0 }
        let passed = (instant - reading.at).components
        return Timestamp(
            milliseconds: reading.shown.milliseconds &+ passed.seconds &* 1000
                &+ passed.attoseconds / 1_000_000_000_000_000)
    }
}
