/// What a mail carries so that its bounce finds the subscription, in its envelope sender or its `Message-ID`.
///
/// ```
/// 06a4j0…     27 characters: the subscription
/// 3f0c…       16 characters: 80 bits of a MAC over the subscription and the address the mail went to
/// ```
package struct BounceMark: Hashable, Sendable {
    /// Characters of a mark as text, all of them of ``Base32``.
    package static let characters = 43
    /// Characters that prove it.
    package static let tagCharacters = 16

    package let subscription: SubscriptionID
    package let tag: [UInt8]

    /// - Parameter tag: As characters of ``Base32``.
    package init(_ subscription: SubscriptionID, tag: [UInt8]) {
        precondition(tag.count == Self.tagCharacters, "the tag of a mark has another length")
        self.subscription = subscription
        self.tag = tag
    }

    /// Reads a mark in either case, for mail servers may change it; nil for what cannot be one.
    ///
    /// Whether it is genuine only the keys can say.
    package init?(_ text: some StringProtocol) {
        let text = text.utf8.prefix(Self.characters + 1).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        guard text.count == Self.characters,
            let subscription = SubscriptionID(String(decoding: text.prefix(27), as: UTF8.self)),
            text.allSatisfy({ Base32.alphabet.contains($0) })
        else { return nil }
        self.subscription = subscription
        self.tag = Array(text.suffix(Self.tagCharacters))
    }

    package var text: String { self.subscription.text + String(decoding: self.tag, as: UTF8.self) }
}
