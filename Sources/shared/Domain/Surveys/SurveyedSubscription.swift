/// A subscription of whatever project with how it is served.
package struct SurveyedSubscription: Sendable, Equatable {
    package let id: SubscriptionID
    package let queue: QueueAddress
    /// Its address as it was written.
    package let subscriber: String
    package let health: SubscriptionHealth

    package init(id: SubscriptionID, queue: QueueAddress, subscriber: String, health: SubscriptionHealth) {
        self.id = id
        self.queue = queue
        self.subscriber = subscriber
        self.health = health
    }
}

/// The same as an administrator sees it.
package struct ListedSubscription: Sendable, Equatable {
    package let subscription: SurveyedSubscription
    /// Where it lives: the pools of its Redis with commas between, `default` for the default store.
    package let pool: String
    /// Where its address leads, without what may be a secret in it.
    package let endpoint: String
    /// Whether its subscriber is notified only once it has confirmed.
    package let mustConfirm: Bool

    package init(_ subscription: SurveyedSubscription, pool: String, endpoint: String, mustConfirm: Bool) {
        self.subscription = subscription
        self.pool = pool
        self.endpoint = endpoint
        self.mustConfirm = mustConfirm
    }
}

/// Which subscriptions an administrator asks for.
package enum SubscriptionSelection: String, Sendable, CaseIterable {
    /// Those with an open breaker, then those that are disabled, then those that are paused, then others for which deliveries wait.
    case troubled
    case open, disabled, paused
    /// Those for which deliveries wait, whatever holds them.
    case waiting
    case unconfirmed, active, all

    package func admits(_ subscription: SurveyedSubscription, mustConfirm: Bool) -> Bool {
        let health = subscription.health
        return switch self {
        case .troubled: health.isHeld || health.backlog > 0
        case .open: health.probeAt != nil && health.disabledSince == nil && health.pausedSince == nil
        case .disabled: health.disabledSince != nil
        case .paused: health.pausedSince != nil && health.disabledSince == nil
        case .waiting: health.backlog > 0
        case .unconfirmed: health.state(mustConfirm: mustConfirm).state == .unconfirmed
        case .active: health.state(mustConfirm: mustConfirm).state == .active
        case .all: true
        }
    }
}
