/// How long to wait after one failure of Redis after another: longer each time, never long, and never all at once.
package struct Backoff: Sendable {
    private static let first = Duration.milliseconds(20)
    package static let longest = Duration.seconds(1)

    private var failures = 0

    package init() {}

    package mutating func succeeded() {
        self.failures = 0
    }

    /// - Parameter chance: 0..<1; notifiers that lost the same Redis must not come back in step.
    package mutating func failed(chance: Double) -> Duration {
        let whole = min(Self.first * (1 << min(self.failures, 10)), Self.longest)
        self.failures += 1
        return whole / 2 + whole / 2 * chance
    }
}
