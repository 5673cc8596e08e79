internal import NIOCore

/// The pauses between attempts to connect: doubling, capped, and spread by chance over their upper half.
///
/// The spread keeps many processes from coming back to a restarted Redis in one instant.
struct Backoff: Sendable, Equatable {
    static let pauseMin = TimeAmount.milliseconds(50)
    static let pauseMax = TimeAmount.seconds(1)

    private(set) var attempts = 0

    /// - Parameter random: 0 to 1.
    mutating func next(random: Double) -> TimeAmount {
        // Beyond 16 doublings the cap holds for any sensible minimum, and the shift cannot overflow.
        let doubled = Self.pauseMin.nanoseconds << min(self.attempts, 16)
        let pause = min(doubled, Self.pauseMax.nanoseconds)
        self.attempts += 1
        return .nanoseconds(pause / 2 + Int64(Double(pause / 2) * random))
    }

    mutating func reset() {
        self.attempts = 0
    }
}
