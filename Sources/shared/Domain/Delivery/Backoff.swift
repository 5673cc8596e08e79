#if canImport(Glibc)
    // Powers and logarithms are the one thing of the C library that the standard library does not offer.
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The shape of the waits between a retry policy's shortest and longest (notifications contract, "Backoff list").
///
/// | minimum 10 s, maximum 60 s | |
/// |---|---|
/// | linear | 10 15 20 25 … 55: the maximum itself left out |
/// | arithmetic | 10 11 13 16 21 26 33 41 50 60: the steps grow by the same amount |
/// | geometric, exponential | 10 12 14 18 22 27 33 40 49 60: the waits grow by the same factor |
package enum Backoff: String, Sendable, Equatable, CaseIterable {
    case linear, arithmetic, geometric, exponential

    /// Seconds one linear step adds; the number of steps of every shape follows from it.
    private static let step = 5

    /// How many waits lie between two delays.
    func count(from shortest: Int, to longest: Int) -> Int {
        switch self {
        case .linear: max(0, (longest - shortest + Self.step - 1) / Self.step)
        case .arithmetic, .geometric, .exponential: max(0, (longest - shortest) / Self.step)
        }
    }

    /// Seconds of one wait; computed, not listed, since a wide policy has thousands.
    ///
    /// - Parameter index: From 0 to ``count(from:to:)``, exclusive.
    func delay(at index: Int, from shortest: Int, to longest: Int) -> Int {
        let count = self.count(from: shortest, to: longest)
        precondition((0..<count).contains(index), "there is no such wait")
        if self == .linear { return shortest + index * Self.step }
        // Truncation could leave the last one a second short of the maximum.
        if index == count - 1 { return longest }
        let span = longest - shortest
        switch self {
        case .linear, .arithmetic:
            return shortest + (index + 1) * index * span / (count * (count - 1))
        case .geometric:
            return Int(Double(shortest) * pow(Self.factor(from: shortest, to: longest, count: count), Double(index)))
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
