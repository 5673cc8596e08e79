/// What a delivery brings its subscriber; the text is its `Message_Type`.
package enum NotificationKind: String, Sendable, Equatable, CaseIterable {
    /// A message that was posted.
    case notification = "Notification"
    /// The question whether the subscriber wants to be notified (notifications contract, 7).
    case subscriptionConfirmation = "SubscriptionConfirmation"
    /// The way back, for a subscriber that withdrew.
    case unsubscribeConfirmation = "UnsubscribeConfirmation"
}
