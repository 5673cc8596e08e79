import Domain

/// What a deployment takes as the name of a client.
package enum ClientIDForm: Sendable, Equatable {
    /// A UUID in any spelling.
    case uuid
    /// Any text of so many characters, compared as it is.
    case any(characters: ClosedRange<Int>)

    /// - Throws: ``Refusal/clientMissing`` or ``Refusal/clientMalformed``.
    func read(_ header: String?) throws(Refusal) -> ClientID {
        switch self {
        case .uuid: try ClientID(uuid: header)
        case .any(let characters): try ClientID(verbatim: header, characters: characters)
        }
    }
}
