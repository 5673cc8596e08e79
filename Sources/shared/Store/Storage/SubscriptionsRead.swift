package import Domain

/// What a reading of subscriptions found.
package struct SubscriptionsRead: Sendable, Equatable {
    package internal(set) var subscriptions: [SubscriptionID: Subscription] = [:]
    /// Those whose header or record is none that this version writes.
    package internal(set) var unreadable: [SubscriptionID] = []
}
