/// The delivery status of a message for one subscription.
package struct DeliveryStatus: Sendable, Equatable {
    package enum Place: Sendable, Equatable {
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
        /// The circuit breaker is open.
        case breaker
        /// Its host has no room in the notifier that held it last.
        case host
        /// Another message comes first.
        case ordered
        /// The retry policy says when.
        case retry
        /// It was sent again, at a rate.
        case scheduled
        /// The limit of the subscription is used up.
        case limit
        /// As many attempts are out as may be.
        case window
        /// Nothing holds it: the next notifier with room takes it.
        case due
    }

    package let subscription: SubscriptionID
    package let isConfirmed: Bool
    package let place: Place
    /// The number of the attempt that is made or waits; 0 where none does.
    package let attempt: Int
    /// The last attempt the log knows of.
    package let last: LoggedAttempt?

    package init(
        subscription: SubscriptionID, isConfirmed: Bool, place: Place, attempt: Int, last: LoggedAttempt?
    ) {
        self.subscription = subscription
        self.isConfirmed = isConfirmed
        self.place = place
        self.attempt = attempt
        self.last = last
    }
}
