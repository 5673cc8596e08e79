/// When a subscriber asks to be sent to again (`Retry-After`; RFC 9110, 10.2.3).
package enum RetryAfter: Sendable, Equatable {
    /// Seconds from the answer; 0 or more.
    case delay(seconds: Int)
    /// A moment, of an answer that does not say what time it was sent at.
    case date(Timestamp)

    /// Milliseconds from `now`, 0 or more.
    func milliseconds(from now: Timestamp) -> Int64 {
        switch self {
        case .delay(let seconds): Int64(min(max(seconds, 0), Self.secondsMax)) * 1000
        case .date(let moment): min(max(moment.milliseconds(since: now), 0), Int64(Self.secondsMax) * 1000)
        }
    }

    /// What is kept of a longer delay, seconds: a year, so that no sum can overflow.
    package static let secondsMax = 31_536_000
}
