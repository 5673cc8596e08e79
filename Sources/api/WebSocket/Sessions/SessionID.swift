/// The name of a connection in the whole deployment: a random UUID.
package struct SessionID: Sendable, Hashable, CustomStringConvertible {
    private let uuid: RandomUUID

    package init() {
        self.uuid = RandomUUID()
    }

    /// Reads what ``description`` gives; nil for anything else.
    package init?(_ text: String) {
        guard let uuid = RandomUUID(text) else { return nil }
        self.uuid = uuid
    }

    package var description: String { self.uuid.text() }
}
