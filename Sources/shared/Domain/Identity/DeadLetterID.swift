/// The name of a dead letter: the ids of its subscription and of its message, a full stop between them.
///
/// A delivery that ends without success again, after it was sent again, leaves a dead letter of the same id.
package struct DeadLetterID: Hashable, Sendable, CustomStringConvertible {
    package let subscription: SubscriptionID
    package let message: MessageID

    package init(subscription: SubscriptionID, message: MessageID) {
        self.subscription = subscription
        self.message = message
    }

    /// Reads an id; nil when the text cannot be one, which callers treat exactly as an unknown id.
    package init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let subscription = SubscriptionID(String(parts[0])),
            let message = MessageID(String(parts[1]))
        else { return nil }
        self.init(subscription: subscription, message: message)
    }

    package var text: String { "\(self.subscription.text).\(self.message.text)" }
    package var description: String { self.text }
}
