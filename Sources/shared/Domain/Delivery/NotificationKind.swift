/// What a delivery brings its subscriber; the text is its `Message_Type`.
package enum NotificationKind: String, Sendable, Equatable, CaseIterable {
    /// A message that was posted.
    case notification = "Notification"
    /// The request to confirm the subscription (docs/delivery.md, "Confirmation").
    case subscriptionConfirmation = "SubscriptionConfirmation"
    /// The link to subscribe again, for a subscriber that withdrew.
    case unsubscribeConfirmation = "UnsubscribeConfirmation"
    /// A test that the owner of the subscription requested.
    case test = "Test"

    /// Whether its document holds a signed link.
    package var isConfirmation: Bool {
        switch self {
        case .subscriptionConfirmation, .unsubscribeConfirmation: true
        case .notification, .test: false
        }
    }
}
