/// Exponential backoff with jitter: pauses that double, are capped, and lie at random in their upper half.
///
/// The jitter keeps many processes from returning to a restarted server at the same instant.
package struct Backoff: Sendable, Equatable {
    package let shortest: Duration
    package let longest: Duration

    /// Pauses since the last ``reset()``.
    package private(set) var attempts = 0

    /// - Parameters:
    ///   - shortest: The first pause before jitter, more than zero.
    ///   - longest: The cap.
    package init(from shortest: Duration = .milliseconds(50), to longest: Duration = .seconds(1)) {
        precondition(shortest > .zero && shortest <= longest, "a pause lies between zero and its cap")
        self.shortest = shortest
        self.longest = longest
    }

    /// The next pause: from half of its length to all of it.
    ///
    /// - Parameter random: 0 to 1.
    package mutating func next(random: Double) -> Duration {
        // After 16 doublings every sensible pause has reached its cap, and the factor cannot overflow.
        let pause = min(self.shortest * (1 << min(self.attempts, 16)), self.longest)
        self.attempts += 1
        return pause / 2 + pause / 2 * random
    }

    /// An attempt succeeded: the pauses begin small again.
    package mutating func reset() {
        self.attempts = 0
    }
}
