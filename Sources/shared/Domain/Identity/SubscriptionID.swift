/// The name of a subscription: 11 characters of its position, which sort by creation, and 16 random ones.
package struct SubscriptionID: TextIdentity {
    private static let characters = 27

    package let text: String

    /// Reads an id; nil when the text cannot be one, which callers treat exactly as an unknown id.
    package init?(_ text: String) {
        guard text.utf8.count == Self.characters, Base32.isSpelled(text.utf8)
        else {
            return nil
        }
        self.text = text
    }

    /// A random one, for what no store keeps: it is taken for none that a store has given.
    package init() {
        self.text = String(
            decoding: (0..<Self.characters).map { _ in Base32.alphabet[Int.random(in: 0..<32)] }, as: UTF8.self)
    }
}
