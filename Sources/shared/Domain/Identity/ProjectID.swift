/// A tenant.
///
/// Everything Herald keeps belongs to one, and nothing of one is visible to another.
///
/// 1 to 256 characters of any kind but U+FFFD, compared byte for byte (Messaging API v2, "X-Project-Id").
package struct ProjectID: TextIdentity {
    package static let charactersMax = 256

    package let text: String

    /// - Throws: ``Refusal/projectMissing``, ``Refusal/projectEmpty``, ``Refusal/projectTooLong`` or
    ///   ``Refusal/projectMalformed``.
    package init(_ text: String?) throws(Refusal) {
        guard let text else { throw .projectMissing }
        guard !text.isEmpty else { throw .projectEmpty }
        // Scalars bound characters from above, and bytes bound scalars: the usual id is settled by its byte count.
        guard text.utf8.count <= Self.charactersMax || text.unicodeScalars.count <= Self.charactersMax else {
            throw .projectTooLong
        }
        guard !text.holdsReplacementCharacter else { throw .projectMalformed }
        self.text = text
    }
}
