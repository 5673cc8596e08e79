#if canImport(Glibc)
    // Powers and logarithms are the one thing of the C library that the standard library does not offer.
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The shape of the waits between a retry policy's shortest and longest (`retry_backoff_function`, docs/delivery.md).
///
/// | minimum 10 s, maximum 60 s | |
/// |---|---|
/// | linear | 10 15 20 25 … 55: the maximum itself left out |
/// | arithmetic | 10 11 13 16 21 26 33 41 50 60: the steps grow by the same amount |
/// | geometric, exponential | 10 12 14 18 22 27 33 40 49 60: the waits grow by the same factor |
package enum BackoffFunction: String, Sendable, Equatable, CaseIterable {
    case linear, arithmetic, geometric, exponential

    /// Seconds one linear step adds; the number of steps of every shape follows from it.
    private static let step = 5

    /// The least minimum, s: nothing grows by a factor from zero.
    package var shortestMin: Int {
        switch self {
        case .linear, .arithmetic: 0
        case .geometric, .exponential: 1
        }
    }

    /// How many waits lie between two delays.
    func count(from shortest: Int, to longest: Int) -> Int {
        switch self {
        case .linear: max(0, (longest - shortest + Self.step - 1) / Self.step)
        case .arithmetic, .geometric, .exponential: max(0, (longest - shortest) / Self.step)
        }
    }

    /// Seconds of one wait; computed, not listed, since a wide policy has thousands.
    ///
    /// - Parameters:
    ///   - index: From 0 to ``count(from:to:)``, exclusive; another one counts as the nearest of these.
    ///   - shortest: At least ``shortestMin``; less counts as that.
    /// - Returns: From `shortest` to `longest`, also when these make no sense together.
    func delay(at index: Int, from shortest: Int, to longest: Int) -> Int {
        let shortest = max(shortest, self.shortestMin)
        let count = self.count(from: shortest, to: longest)
        guard count > 1 else { return self == .linear ? shortest : max(shortest, longest) }
        let index = min(max(index, 0), count - 1)
        if self == .linear { return shortest + index * Self.step }
        // Truncation could leave the last one a second short of the maximum.
        if index == count - 1 { return longest }
        let span = longest - shortest
        switch self {
        case .linear, .arithmetic:
            return shortest + (index + 1) * index * span / (count * (count - 1))
        case .geometric:
            let factor = Self.factor(from: shortest, to: longest, count: count)
            return Int(Double(shortest) * pow(factor, Double(index)))
        case .exponential:
            let factor = Self.factor(from: shortest, to: longest, count: count)
            return Int(Double(shortest) / factor * pow(factor, Double(index + 1)))
        }
    }

    /// By the logarithm to the base of ten, as existing deployments compute it: another way rounds some waits otherwise.
    private static func factor(from shortest: Int, to longest: Int, count: Int) -> Double {
        pow(10, log10(Double(longest) / Double(shortest)) / Double(count - 1))
    }
}
