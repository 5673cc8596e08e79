import Cryptography
package import Domain
package import NIOCore
package import Store

/// Posts that may be repeated without a second message (docs/api.md, "Posts that are repeated").
extension Operations {
    /// Characters of a key.
    private static let keyCharacters = 1...255

    /// By what a post is known again.
    ///
    /// - Parameters:
    ///   - text: What the caller chose; nil: nothing.
    ///   - request: The bytes of the messages, as they came.
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    package func postKey(_ text: String?, of request: ByteBuffer) throws(Refusal) -> PostKey? {
        guard let text else { return nil }
        let key = Array(text.utf8)
        guard Self.keyCharacters.contains(key.count), key.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .requestInvalid(
                "An Idempotency-Key has \(Self.keyCharacters.lowerBound) to \(Self.keyCharacters.upperBound) visible characters of ASCII, "
                    + "and is given once.")
        }
        return PostKey(
            digest: Self.digest(key), request: Self.digest(Array(request.readableBytesView)),
            window: self.limits.postKeyWindow)
    }

    private static func digest(_ bytes: [UInt8]) -> [UInt8] {
        Array(SHA256.digest(bytes).prefix(PostKey.digestBytes))
    }

    /// What a post was answered that the project has no bytes left for: it may have been stored before.
    func repeated(_ key: PostKey, to queue: QueueAddress) async throws -> PostedMessages? {
        let outcome = try await self.store(of: queue).messages.repeated(key, to: queue)
        return try outcome.flatMap { try PostedMessages($0) }
    }
}

extension PostedMessages {
    /// - Returns: nil when nothing is stored, since the traits of the queue are others.
    /// - Throws: ``Refusal/postKeyTaken``.
    init?(_ outcome: PostOutcome) throws(Refusal) {
        switch outcome {
        case .posted(let ids, let durability): self.init(ids: ids, durability: durability, isRepeated: false)
        case .repeated(let ids, let durability): self.init(ids: ids, durability: durability, isRepeated: true)
        case .keyTaken: throw .postKeyTaken
        case .traitsDiffer: return nil
        }
    }
}
