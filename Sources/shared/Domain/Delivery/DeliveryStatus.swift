/// The delivery status of a message for one subscription.
package struct DeliveryStatus: Sendable, Equatable {
    package enum Stage: Sendable, Equatable {
        /// The subscription was made after the message.
        case later
        /// The message has not been fanned out to it yet.
        case event
        /// An attempt is being made; its lease ends then.
        case leased(until: Timestamp)
        /// It waits, for that reason, until then; nil: until the reason is removed.
        case waiting(Hold, until: Timestamp?)
        /// It ended without success.
        case dead(DeadLetter)
        /// There is no delivery and no dead letter; only the log of attempts may know more.
        case none
    }

    /// Why a delivery waits.
    package enum Hold: String, Sendable, Equatable, CaseIterable {
        /// The subscription is disabled, or paused.
        case disabled, paused
        /// The pacing of the subscription was written by a version with another format.
        case unreadable
        /// The circuit breaker is open.
        case breaker
        /// As many attempts as its host may have are in flight in the notifier that held it last.
        case host
        /// Another message comes first.
        case ordered
        /// The retry policy says when.
        case retry
        /// It was sent again, at a rate.
        case scheduled
        /// It goes out with others, when their time is over or there are enough of them.
        case digest
        /// The limit of the subscription is used up.
        case limit
        /// As many attempts are out as may be.
        case window
        /// Nothing holds it: the next notifier with a free slot takes it.
        case due
    }

    package let subscription: SubscriptionID
    package let isConfirmed: Bool
    package let stage: Stage
    /// The number of the attempt that is made or waits; 0 where none does.
    package let attempt: Int
    /// The last attempt the log knows of.
    package let last: LoggedAttempt?
    /// What the subscription's notifications are delivered to.
    package let destination: Destination
    /// When its subscriber is asked to confirm; nil when no question waits for its time.
    package let questionDue: Timestamp?
    /// The options of a subscription with a filter policy, a JSON object; nil of one without.
    package let filteringOptions: [UInt8]?

    package init(
        subscription: SubscriptionID, isConfirmed: Bool, stage: Stage, attempt: Int, last: LoggedAttempt?,
        destination: Destination = .webhook, questionDue: Timestamp? = nil, filteringOptions: [UInt8]? = nil
    ) {
        self.subscription = subscription
        self.isConfirmed = isConfirmed
        self.stage = stage
        self.attempt = attempt
        self.last = last
        self.destination = destination
        self.questionDue = questionDue
        self.filteringOptions = filteringOptions
    }
}

/// What a filter policy says of a message.
package struct FilterVerdict: Sendable, Equatable {
    /// What refused a message: the key of the policy, as a JSON pointer (RFC 6901), and a sentence without its full stop.
    package struct Cause: Sendable, Equatable {
        package let pointer: String
        package let reason: String

        package init(pointer: String, reason: String) {
            self.pointer = pointer
            self.reason = reason
        }
    }

    /// nil: the message is wanted.
    package let cause: Cause?

    package init(cause: Cause?) { self.cause = cause }
}

/// The delivery status of a message for one subscription as callers see it: with the rule that decided.
package struct DeliveryStatusView: Sendable {
    package enum State: String, Sendable, CaseIterable {
        case notEligible = "not_eligible"
        case queued
        case inFlight = "in_flight"
        case waiting
        case delivered
        case deadLetter = "dead_letter"
        case ended
    }

    package let status: DeliveryStatus
    package let delivery: DeliveryID
    package let state: State
    /// One word for the reason of the state.
    package let rule: String
    /// What the policy of the subscription, as it is now, says of the message; nil: it has none, or the message is gone.
    package let filter: FilterVerdict?

    private let isLeftOut: Bool

    /// - Parameters:
    ///   - mustConfirm: Whether its subscriber is notified only once it has confirmed.
    ///   - filter: What its policy says of the message; nil: it has none, or the message is gone.
    package init(_ status: DeliveryStatus, delivery: DeliveryID, mustConfirm: Bool, filter: FilterVerdict? = nil) {
        self.status = status
        self.filter = filter
        self.delivery = delivery
        let isLeftOut = mustConfirm && !status.isConfirmed
        self.isLeftOut = isLeftOut
        let unconfirmed = status.questionDue == nil ? "unconfirmed" : "confirmation_held"
        (self.state, self.rule) =
            switch status.stage {
            case .later: (.notEligible, "subscribed_later")
            case .event where isLeftOut: (.notEligible, unconfirmed)
            case .event: filter?.cause == nil ? (.queued, "not_fanned_out") : (.notEligible, "filter")
            case .leased: (.inFlight, "leased")
            case .waiting(let hold, _): (.waiting, hold.rawValue)
            case .dead(let deadLetter): (.deadLetter, deadLetter.reason.rawValue)
            case .none:
                switch status.last {
                case .some(let last): last.report.isSuccess ? (.delivered, "answered") : (.ended, "expired")
                case nil where isLeftOut: (.notEligible, unconfirmed)
                case nil: filter?.cause == nil ? (.ended, "unknown") : (.notEligible, "filter")
                }
            }
    }

    /// Attempts made so far.
    package var attempts: Int {
        switch self.status.stage {
        case .later, .event: 0
        case .leased, .waiting: max(self.status.attempt - 1, 0)
        case .dead(let deadLetter): deadLetter.attempts
        case .none: self.status.last?.attempt ?? 0
        }
    }

    /// When the next attempt may start; nil when none will, or when the reason has to be removed first.
    ///
    /// Of a subscriber that is to be asked to confirm, when it is asked.
    package var nextDue: Timestamp? {
        if case .waiting(_, let until) = self.status.stage { return until }
        return self.state == .notEligible && self.isLeftOut ? self.status.questionDue : nil
    }
}
