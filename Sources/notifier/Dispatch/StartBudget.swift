/// How far a project may run ahead of the answers to what it has begun: a token bucket.
///
/// Each lease takes a token, and one more for each 16 KiB of its body; its end gives back twice as much, and time 500 a
/// second. So endpoints that answer are served as fast as they answer, while attempts without an answer begin no faster
/// than that: until it is at its share of slots, a flood of them leaves processor time to other projects, in the notifier, in
/// Redis and at what stands behind the endpoints.
package struct StartBudget: Sendable {
    /// Tokens at first, and at most.
    package static let most = 2 * FairShares.perCallMax
    /// With fewer its events are not fanned out, for nearly all of their deliveries would wait.
    package static let fanOutMin = 16
    /// Milliseconds that give one.
    package static let tokenMilliseconds: Int64 = 2
    /// Bytes of a body that cost one token more.
    private static let tokenBytes = 16 << 10

    /// Less than nothing once a call brought more than there was.
    package private(set) var tokens = Self.most
    /// Up to when those of time were added, ms.
    private var filledAt: Int64

    package init(now: Int64) {
        self.filledAt = now
    }

    /// What a body costs beside its lease.
    package static func cost(ofBytes bytes: Int) -> Int { bytes / Self.tokenBytes }

    package mutating func take(_ tokens: Int, now: Int64) {
        self.fill(now: now)
        self.tokens -= tokens
    }

    /// What was taken for leases that ended comes back, and as much again.
    package mutating func ended(_ tokens: Int) {
        self.tokens = min(Self.most, self.tokens + 2 * tokens)
    }

    /// Adds what the time since the last call gives.
    package mutating func fill(now: Int64) {
        let gained = self.gained(by: now)
        self.tokens = min(Self.most, self.tokens + Int(clamping: min(gained, 1 << 32)))
        self.filledAt += gained * Self.tokenMilliseconds
    }

    /// Whether there is none, with what time has given.
    package func isEmpty(at now: Int64) -> Bool { Int64(self.tokens) + self.gained(by: now) <= 0 }

    private func gained(by now: Int64) -> Int64 { max(0, now - self.filledAt) / Self.tokenMilliseconds }
}
