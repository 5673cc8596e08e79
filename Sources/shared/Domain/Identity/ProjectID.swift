/// A tenant.
///
/// Everything Herald keeps belongs to one, and nothing of one is visible to another.
///
/// 1 to 256 characters of any kind (Messaging API v2, "X-Project-Id").
package struct ProjectID: Hashable, Sendable, CustomStringConvertible {
    package static let charactersMax = 256

    package let text: String

    /// - Throws: ``Refusal/projectMissing``, ``Refusal/projectEmpty`` or ``Refusal/projectTooLong``.
    package init(_ text: String?) throws(Refusal) {
        guard let text else { throw .projectMissing }
        guard !text.isEmpty else { throw .projectEmpty }
        // Scalars bound characters from above, and bytes bound scalars: the usual id is settled by its byte count.
        guard text.utf8.count <= Self.charactersMax || text.unicodeScalars.count <= Self.charactersMax else {
            throw .projectTooLong
        }
        self.text = text
    }

    package var description: String { self.text }
}
