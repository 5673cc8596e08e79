/// The name a caller knows a message by: 27 characters of Crockford's base 32.
///
/// ```
/// | 11 characters: position in the shard | 16 characters: keyed hash over project, queue, position |
/// ```
///
/// Ids sort in queue order, cannot be guessed, and cost nothing to keep. Whether one was issued for a queue is decided
/// by the hash, which the store checks before it asks Redis; this type only holds text of the right shape.
package struct MessageID: TextIdentity {
    package static let positionCharacters = 11
    package static let tagCharacters = 16
    package static let characters = Self.positionCharacters + Self.tagCharacters

    package let text: String
    package let position: Position

    /// Puts an id together; `tag` is the sixteen characters of the keyed hash.
    package init(position: Position, tag: [UInt8]) {
        self.position = position
        self.text = String(
            decoding: Base32.encode(UInt64(position.value), count: Self.positionCharacters) + tag, as: UTF8.self)
    }

    /// Reads an id; nil when the text cannot be one, which callers treat exactly as an unknown id.
    package init?(_ text: String) {
        guard text.utf8.count == Self.characters,
            let position = Base32.decode(text.utf8.prefix(Self.positionCharacters)), position < 1 << 53,
            Base32.decode(text.utf8.suffix(Self.tagCharacters).prefix(8)) != nil,
            Base32.decode(text.utf8.suffix(8)) != nil
        else { return nil }
        self.text = text
        self.position = Position(Int64(position))
    }
}
