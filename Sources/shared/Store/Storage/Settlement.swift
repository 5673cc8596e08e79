package import Domain

/// The end of one leased attempt, to be written down.
package struct Settlement: Sendable, Equatable {
    package enum Ending: Sendable, Equatable {
        /// The subscriber has it.
        case delivered
        /// Due again after this long by Redis' clock, with the next attempt's number.
        case retry(after: Duration)
        /// Ended without success; kept among the project's dead letters. `summary` says how the last attempt ended.
        /// `disabling`: and nothing is sent to the subscription any more until it is resumed.
        case deadLetter(DeliveryDecision.Reason, summary: String, disabling: Bool = false)
        /// Not tried: due at once with the same attempt's number. Only the newest token of a lease can do this.
        case handedBack
        /// Not tried: due after this long with the same attempt's number. Only the newest token can do this either.
        case postponed(Duration)
        /// Not tried: due at once with the same attempt's number, but nothing of the whole subscription is leased for this
        /// long, a minute at most, or until `wake`. Only the newest token can do this.
        case parked(Duration)
        /// Not tried: due after this long with the same attempt's number, in one attempt with all that waits of the subscription by
        /// then. Only the newest token can do this.
        case collected(Duration)
        /// Not tried, and never will be: it is not wanted any more.
        case dropped
        /// Not tried, and never will be: the subscription is gone. Where its time was over, and not a caller ended it, it is kept among
        /// the project's dead letters.
        case ended
    }

    package let token: LeaseToken
    package let queue: QueueAddress
    package let ending: Ending
    /// For the subscription's log; nil when nothing was attempted.
    package let report: AttemptReport?
    /// Whether its message went out with the one of the settlement before: a failure is no second one.
    package let isShared: Bool

    package init(_ lease: Lease, _ ending: Ending, after report: AttemptReport? = nil, isShared: Bool = false) {
        self.init(lease.token, of: lease.queue, ending, after: report, isShared: isShared)
    }

    package init(
        _ token: LeaseToken, of queue: QueueAddress, _ ending: Ending, after report: AttemptReport? = nil,
        isShared: Bool = false
    ) {
        self.token = token
        self.queue = queue
        self.ending = ending
        self.report = report
        self.isShared = isShared
    }
}
