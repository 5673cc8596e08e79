/// What the subscriber said to one attempt, or why nothing was heard.
package enum Outcome: Sendable, Equatable {
    /// 2xx.
    case accepted(status: Int)
    /// An answer that asks for another try: 5xx, 408, 425, 429. `retryAfter` is the answer's wish, in seconds.
    case deferred(status: Int, retryAfter: Int?)
    /// Any other answer. It ends the delivery: asking again would be answered the same.
    case refused(status: Int)
    /// No complete answer.
    case unreachable(Failure)
    /// The address may not be called by this house's egress policy.
    case forbidden

    /// Why an attempt ended without a complete answer.
    ///
    /// `sealed`: the message's body does not open with the keys of this house, so that nothing could be sent; once the
    /// key is there again, the next attempt will do.
    package enum Failure: String, Sendable, Equatable, CaseIterable {
        case resolve, connect, tls, timeout, closed, malformed, tooLarge = "too_large", sealed, other
    }

    /// Sorts an HTTP answer (notifications contract 4.4).
    package init(status: Int, retryAfter: Int?) {
        switch status {
        case 200..<300: self = .accepted(status: status)
        case 408, 425, 429, 500..<600: self = .deferred(status: status, retryAfter: retryAfter)
        default: self = .refused(status: status)
        }
    }

    /// One word and, where there was one, the status: for logs and dead letters.
    package var summary: String {
        switch self {
        case .accepted(let status): "accepted \(status)"
        case .deferred(let status, _): "deferred \(status)"
        case .refused(let status): "refused \(status)"
        case .unreachable(let failure): "unreachable \(failure.rawValue)"
        case .forbidden: "forbidden"
        }
    }
}
