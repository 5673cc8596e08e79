/// Repeats a change of something that others change at the same time: read, compute, replace unless it has changed.
///
/// Of all concurrent tries one succeeds, so each does after a while; the pauses keep many from starving one.
package enum Contention {
    /// Tries of one change.
    package static let triesMax = 250
    /// Tries without a pause; from then on it is drawn from a range that grows by a millisecond a try.
    private static let eagerTries = 4
    private static let pauseMaxMilliseconds = 32

    /// - Parameter attempt: Called again until it gives a result; nil: something has changed meanwhile.
    /// - Throws: ``StoreError/contended`` after ``triesMax`` tries, and what `attempt` throws.
    package static func retry<Result>(_ attempt: () async throws -> Result?) async throws -> Result {
        for number in 0..<Self.triesMax {
            if let result = try await attempt() { return result }
            guard number >= Self.eagerTries else { continue }
            let milliseconds = Int.random(in: 0...min(number, Self.pauseMaxMilliseconds))
            // Cancelled: the next try goes on without a pause, and tries are bounded.
            try? await Task.sleep(for: .milliseconds(milliseconds))
        }
        throw StoreError.contended
    }
}
