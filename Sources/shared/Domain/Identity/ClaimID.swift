/// The name of a claim, and the proof of holding its messages: 26 random characters.
package struct ClaimID: TextIdentity {
    package static let characters = 26
    /// Random bytes that make one.
    package static let randomBytes = 16

    package let text: String

    /// Reads an id; nil when the text cannot be one, which callers treat exactly as an unknown id.
    package init?(_ text: String) {
        guard text.utf8.count == Self.characters,
            Base32.isSpelled(text.utf8)
        else { return nil }
        self.text = text
    }

    /// - Parameter random: ``randomBytes`` bytes that cannot be guessed.
    package init(random: [UInt8]) {
        precondition(random.count == Self.randomBytes, "a claim id is made of \(Self.randomBytes) bytes")
        self.text = String(decoding: Base32.encode(random[...]), as: UTF8.self)
    }
}
