package import Domain

/// The `post_data` of a subscription: what its webhooks hold instead of the plain notification (docs/api.md, "Subscriptions").
///
/// Every `"$zaqar_message$"`, both quotes included, makes place for the JSON object of the notification; all else is sent as
/// it stands. The template is cut once, from left to right, so what a message says is never taken for part of it.
package struct PostTemplate: Sendable, Equatable {
    /// Bytes of a template.
    package static let bytesMax = 65_536
    /// Tokens in a template: each multiplies what a message costs to send.
    package static let tokensMax = 4

    private static let token = Array(#""$zaqar_message$""#.utf8)

    /// What stands before, between and behind the tokens; one more than there are tokens.
    private let pieces: [[UInt8]]

    /// - Throws: ``Refusal/requestInvalid(_:)`` for a template beyond its bounds.
    package init(_ text: String) throws(Refusal) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.bytesMax else {
            throw .requestInvalid("The option post_data may have at most \(Self.bytesMax) bytes.")
        }
        var pieces: [[UInt8]] = []
        var start = 0
        var index = 0
        while index + Self.token.count <= bytes.count {
            guard bytes[index] == Self.token[0], bytes[index..<index + Self.token.count].elementsEqual(Self.token)
            else {
                index += 1
                continue
            }
            pieces.append(Array(bytes[start..<index]))
            index += Self.token.count
            start = index
        }
        pieces.append(Array(bytes[start...]))
        guard pieces.count - 1 <= Self.tokensMax else {
            throw .requestInvalid(
                "The option post_data may hold \"$zaqar_message$\" at most \(Self.tokensMax) times.")
        }
        self.pieces = pieces
    }

    /// Bytes it takes itself.
    package var count: Int { self.pieces.reduce(0) { $0 + $1.count } }

    /// The body of a request.
    ///
    /// - Parameter message: The notification, one JSON object.
    package func rendered(with message: Span<UInt8>) -> [UInt8] {
        let gaps = self.pieces.count - 1
        return [UInt8](unsafeUninitializedCapacity: self.count + gaps * message.count) { buffer, count in
            for (index, piece) in self.pieces.enumerated() {
                if index > 0 {
                    for offset in message.indices { buffer[count + offset] = message[offset] }
                    count += message.count
                }
                for (offset, byte) in piece.enumerated() { buffer[count + offset] = byte }
                count += piece.count
            }
        }
    }
}
