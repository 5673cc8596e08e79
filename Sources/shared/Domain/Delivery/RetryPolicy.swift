/// When the attempts of one delivery are made (notifications contract 8.4).
///
/// ```
/// attempt 1                      at once
/// immediate retries          ×   no wait
/// minimum-delay retries      ×   `delayMin` before each
/// the backoff list           ×   each of its waits
/// maximum-delay retries      ×   `delayMax` before each
/// ```
package struct RetryPolicy: Sendable, Equatable {
    package var retriesWithoutDelay = 3
    package var minimumDelayRetries = 3
    /// Seconds.
    package var delayMin = 5
    /// Seconds.
    package var delayMax = 30
    package var maximumDelayRetries = 3

    package init() {}

    /// Attempts in all, the first included: 15 with the defaults, over 180 s.
    package var attemptsMax: Int {
        1 + self.retriesWithoutDelay + self.minimumDelayRetries + self.backoff.count + self.maximumDelayRetries
    }

    /// Seconds to wait after an attempt that may be repeated.
    ///
    /// - Parameter attempt: The number of the attempt that just failed, from 1.
    /// - Returns: nil when it was the last.
    package func delay(afterAttempt attempt: Int) -> Int? {
        precondition(attempt >= 1, "attempts are counted from 1")
        var index = attempt - 1
        if index < self.retriesWithoutDelay { return 0 }
        index -= self.retriesWithoutDelay
        if index < self.minimumDelayRetries { return self.delayMin }
        index -= self.minimumDelayRetries
        let backoff = self.backoff
        if index < backoff.count { return backoff[index] }
        index -= backoff.count
        return index < self.maximumDelayRetries ? self.delayMax : nil
    }

    /// The linear list of 8.5: five seconds more each time, the maximum itself left out.
    private var backoff: [Int] { Array(stride(from: self.delayMin, to: self.delayMax, by: 5)) }
}
