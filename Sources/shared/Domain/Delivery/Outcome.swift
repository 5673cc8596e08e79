/// What the subscriber said to one attempt, or why nothing was heard.
package enum Outcome: Sendable, Equatable {
    /// 2xx.
    case accepted(status: Int)
    /// Any other answer; the attempt is repeated by the retry policy.
    case deferred(status: Int, retryAfter: RetryAfter?)
    /// An answer that ends the delivery: 410, and what the subscription names in ``FinalStatuses``.
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

    /// "Gone": the subscriber does not want to be sent to any more (Standard Webhooks).
    package static let goneStatus = 410

    /// Sorts an HTTP answer as the Standard Webhooks specification does: 2xx is a success, everything else a failure to
    /// retry, but for 410.
    package init(status: Int, retryAfter: RetryAfter?) {
        switch status {
        case 200..<300: self = .accepted(status: status)
        case Self.goneStatus: self = .refused(status: status)
        default: self = .deferred(status: status, retryAfter: retryAfter)
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
