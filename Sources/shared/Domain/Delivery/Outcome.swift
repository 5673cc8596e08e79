/// How one attempt ended, in terms that hold for every channel.
///
/// A reply code is the number a subscriber's server answers with: the status of HTTP, the code of SMTP.
package enum Outcome: Sendable, Equatable {
    /// The subscriber has it.
    case accepted(code: Int)
    /// Not now; the attempt is repeated by the retry policy, and not before the subscriber asks for it.
    case deferred(code: Int, notBefore: NotBefore?)
    /// Never; the delivery ends.
    case refused(code: Int)
    /// Never, and nothing else either: the subscriber is not there any more. The delivery ends, and the subscription is
    /// disabled where its options ask for that.
    case gone(code: Int)
    /// No complete answer.
    case unreachable(Failure)
    /// The address may not be called, by the operator's egress policy.
    case forbidden

    /// Why an attempt ended without a complete answer.
    ///
    /// `sealed`: the message's body does not open with the keys of this notifier, so that nothing could be sent; once the
    /// key is there again, the next attempt succeeds. `trust`: Keystone gives no token for the trust of the subscription.
    package enum Failure: String, Sendable, Equatable, CaseIterable {
        case resolve, connect, tls, timeout, closed, malformed, tooLarge = "too_large", sealed, trust, other
    }

    /// One word and, where there was one, the reply code: for logs and dead letters.
    package var summary: String {
        switch self {
        case .accepted(let code): "accepted \(code)"
        case .deferred(let code, _): "deferred \(code)"
        case .refused(let code), .gone(let code): "refused \(code)"
        case .unreachable(let failure): "unreachable \(failure.rawValue)"
        case .forbidden: "forbidden"
        }
    }
}

/// When a subscriber asks to be sent to again.
package enum NotBefore: Sendable, Equatable {
    /// Seconds from the answer; 0 or more.
    case delay(seconds: Int)
    /// A moment, of an answer that does not say what time it was sent at.
    case time(Timestamp)

    /// Milliseconds from `now`, 0 or more.
    func milliseconds(from now: Timestamp) -> Int64 {
        switch self {
        case .delay(let seconds): Int64(min(max(seconds, 0), Self.secondsMax)) * 1000
        case .time(let moment): min(max(moment.milliseconds(since: now), 0), Int64(Self.secondsMax) * 1000)
        }
    }

    /// What is kept of a longer delay, seconds: a year, so that no sum can overflow.
    package static let secondsMax = 31_536_000
}
