/// What waits to be delivered, by what it waits for, and the subscriptions it waits for.
package struct Backlog: Sendable, Equatable {
    /// What a delivery that has not ended waits for.
    package enum DeliveryState: String, Sendable, CaseIterable {
        /// An attempt is under way, by a notifier that lives as far as is known.
        case inFlight = "in_flight"
        /// A notifier: it is due and may start, or the notifier that had it has gone.
        case ready
        /// It is due, and its subscription is at its window, its rate or its order, or its host has no capacity.
        case held
        /// Its time: of a retry, a digest or a delivery that is sent again slowly.
        case later
        /// The breaker of its subscription is open.
        case breaker
        case paused
        case disabled
        /// The sweep, for its subscription has ended; or it was not looked at, since so many subscriptions wait.
        case other
    }

    /// What a subscription is to deliveries.
    ///
    /// One with several of these is disabled before it is paused, and paused before its breaker is open.
    package enum SubscriptionState: String, Sendable, CaseIterable {
        case active
        case breaker
        case paused
        case disabled
        /// It has ended, and the sweep has not removed it yet.
        case ended
    }

    /// Posts that are not fanned out yet.
    package var events = 0
    /// How long the oldest of them has waited; nil: none does.
    package var eventAge: Duration?
    package var deliveries: [DeliveryState: Int] = [:]
    /// For how long the oldest has been due of the deliveries that are ready, and of those that are held.
    package var ages: [DeliveryState: Duration] = [:]
    package var subscriptions: [SubscriptionState: Int] = [:]

    package init() {}

    /// Adds what waits elsewhere.
    package mutating func add(_ other: Backlog) {
        self.events &+= other.events
        self.eventAge = [self.eventAge, other.eventAge].compactMap(\.self).max()
        self.deliveries.merge(other.deliveries, uniquingKeysWith: &+)
        self.ages.merge(other.ages, uniquingKeysWith: max)
        self.subscriptions.merge(other.subscriptions, uniquingKeysWith: &+)
    }
}
