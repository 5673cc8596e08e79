package import NIOCore

/// The pauses between attempts to connect: doubling, capped, and spread by chance over their upper half.
///
/// The spread keeps many processes from coming back to a restarted Redis in one instant.
package struct Backoff: Sendable, Equatable {
    package static let pauseMin = TimeAmount.milliseconds(50)
    package static let pauseMax = TimeAmount.seconds(1)

    package private(set) var attempts = 0

    package init() {}

    /// - Parameter random: 0 to 1.
    package mutating func next(random: Double) -> TimeAmount {
        // Beyond 16 doublings the cap holds for any sensible minimum, and the shift cannot overflow.
        let doubled = Self.pauseMin.nanoseconds << min(self.attempts, 16)
        let pause = min(doubled, Self.pauseMax.nanoseconds)
        self.attempts += 1
        return .nanoseconds(pause / 2 + Int64(Double(pause / 2) * random))
    }

    package mutating func reset() {
        self.attempts = 0
    }
}
