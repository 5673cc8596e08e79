/// Whether a relay of mail takes sessions; a value that performs nothing.
///
/// A session that ends before the relay took or judged a mail pauses it: exponential backoff, from ``pauseFirst`` to
/// ``pauseLongest``, and after the pause one session alone until a mail was judged again. Nothing of this counts against a
/// subscription.
package struct RelayHealth: Sendable {
    package static let pauseFirst = Duration.seconds(1)
    package static let pauseLongest = Duration.seconds(60)

    private var pausedUntil: ContinuousClock.Instant?
    private var pause: Duration
    private let pauseFirst: Duration

    package init(pauseFirst: Duration = Self.pauseFirst) {
        self.pauseFirst = pauseFirst
        self.pause = pauseFirst
    }

    /// Whether the last session that came to an end found it usable.
    package var isUsable: Bool { self.pausedUntil == nil }

    /// What is left of its pause; nil when a session may begin.
    package func remaining(at now: ContinuousClock.Instant) -> Duration? {
        guard let pausedUntil, now < pausedUntil else { return nil }
        return pausedUntil - now
    }

    /// - Returns: Whether it was usable before.
    package mutating func failed(at now: ContinuousClock.Instant) -> Bool {
        let wasUsable = self.isUsable
        self.pausedUntil = now + self.pause
        self.pause = min(self.pause * 2, Self.pauseLongest)
        return wasUsable
    }

    /// - Returns: Whether it was not usable before.
    package mutating func succeeded() -> Bool {
        defer {
            self.pausedUntil = nil
            self.pause = self.pauseFirst
        }
        return !self.isUsable
    }
}
