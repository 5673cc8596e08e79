/// One attempt as it is shown afterwards: when it was made, how it ended, where its time went.
///
/// Nothing of the message is in it, nothing secret, and no address.
package struct AttemptReport: Sendable, Equatable {
    /// How it ended.
    package enum End: Sendable, Equatable {
        /// The subscriber answered.
        case answered(code: Int)
        /// It did not, or not wholly.
        case unreachable(Outcome.Failure)
        /// The egress policy does not permit the address; nothing was sent.
        case forbidden
        /// The lease lapsed during the attempt; whether anything was sent is unknown.
        case lapsed

        /// The reply code of the answer; nil when there was none.
        package var code: Int? {
            if case .answered(let code) = self { code } else { nil }
        }

        /// One word for what went wrong; nil for an answer, whose code says it.
        package var error: String? {
            switch self {
            case .answered: nil
            case .unreachable(let failure): failure.rawValue
            case .forbidden: "forbidden"
            case .lapsed: "lapsed"
            }
        }
    }

    /// By Redis' clock, as the notifier knows it.
    package let startedAt: Timestamp
    package let kind: NotificationKind
    package let end: End
    /// Whether the delivery ended well with it.
    package let isSuccess: Bool
    package let exchange: Exchange

    package init(
        startedAt: Timestamp, kind: NotificationKind, end: End, isSuccess: Bool, exchange: Exchange = Exchange()
    ) {
        self.startedAt = startedAt
        self.kind = kind
        self.end = end
        self.isSuccess = isSuccess
        self.exchange = exchange
    }

    package init(startedAt: Timestamp, kind: NotificationKind, outcome: Outcome, exchange: Exchange = Exchange()) {
        var isSuccess = false
        let end: End
        switch outcome {
        case .accepted(let code):
            end = .answered(code: code)
            isSuccess = true
        case .deferred(let code, _), .refused(let code), .gone(let code): end = .answered(code: code)
        case .unreachable(let failure): end = .unreachable(failure)
        case .forbidden: end = .forbidden
        }
        self.init(startedAt: startedAt, kind: kind, end: end, isSuccess: isSuccess, exchange: exchange)
    }
}

/// What an exchange looked like from outside: milliseconds of its phases, and the kind of address it was with.
package struct Exchange: Sendable, Equatable {
    /// Looking up the name; 0 on a connection that was kept.
    package var dns = 0
    /// Connecting; 0 likewise.
    package var connect = 0
    /// Agreeing on keys; 0 without TLS, and likewise.
    package var tls = 0
    /// From the last byte of the request to the first byte of the answer.
    package var firstByte = 0
    /// From the first look at the name to the last byte of the answer.
    package var total = 0
    /// nil when it came to no address.
    package var address: AddressClass?
    /// Whether a kept connection ended before a byte of the answer, so that the request went out again over a fresh one.
    package var reconnected = false

    package init() {}
}

/// The kind of address an attempt went to, which says where an endpoint lies without saying where it is.
package enum AddressClass: String, Sendable, Equatable, CaseIterable {
    case `public`, `private`, loopback
    case linkLocal = "link_local"
    case multicast
    /// Any other that is not public: documentation, benchmarking, not given out.
    case reserved
}
