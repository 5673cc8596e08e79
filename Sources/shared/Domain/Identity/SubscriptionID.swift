/// The name of a subscription: 11 characters of its position, which sort by creation, and 16 random ones.
package struct SubscriptionID: TextIdentity {
    package let text: String

    /// Reads an id; nil when the text cannot be one, which callers treat exactly as an unknown id.
    package init?(_ text: String) {
        guard text.utf8.count == 27, text.utf8.allSatisfy({ Base32.decode(CollectionOfOne($0)) != nil }) else {
            return nil
        }
        self.text = text
    }
}
