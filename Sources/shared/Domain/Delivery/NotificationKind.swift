/// What a delivery brings its subscriber; the text is its `Message_Type`.
package enum NotificationKind: String, Sendable, Equatable, CaseIterable {
    /// A message that was posted.
    case notification = "Notification"
    /// The question whether the subscriber wants to be notified (notifications contract, 7).
    case subscriptionConfirmation = "SubscriptionConfirmation"
    /// The way back, for a subscriber that withdrew.
    case unsubscribeConfirmation = "UnsubscribeConfirmation"
    /// What the subscription's owner had sent to see whether it arrives.
    case test = "Test"

    /// Whether its document holds a signed link.
    package var isConfirmation: Bool {
        switch self {
        case .subscriptionConfirmation, .unsubscribeConfirmation: true
        case .notification, .test: false
        }
    }
}
