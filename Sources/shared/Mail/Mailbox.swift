/// An address with the name it is shown by: `Alerts <alerts@example.com>` (RFC 5322, 3.4).
package struct Mailbox: Hashable, Sendable {
    /// Empty when there is none.
    package let name: String
    package let address: MailAddress

    package static let bytesMax = 512

    package init(name: String = "", address: MailAddress) {
        self.name = name
        self.address = address
    }

    /// Reads `address`, `<address>`, `Name <address>` or `"Name" <address>`.
    ///
    /// - Throws: ``MailAddressInvalid``; ``MailAddressInvalid/list`` for several.
    package init(_ text: String) throws(MailAddressInvalid) {
        guard text.utf8.count <= Self.bytesMax else { throw .tooLong }
        guard !HeaderText.holdsControl(text) else { throw .control }
        let text = Self.trimmed(text[...])
        guard text.hasSuffix(">"), let open = text.lastIndex(of: "<") else {
            guard !text.contains(",") else { throw .list }
            self.init(address: try MailAddress(String(text)))
            return
        }
        let address = text[text.index(after: open)...].dropLast()
        self.init(
            name: try Self.name(Self.trimmed(text[..<open])), address: try MailAddress(String(Self.trimmed(address))))
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.hasPrefix(" ") { text.removeFirst() }
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }

    private static func name(_ text: Substring) throws(MailAddressInvalid) -> String {
        guard text.hasPrefix("\"") else {
            guard !text.utf8.contains(where: { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: ">") }) else {
                throw .angleBracket
            }
            guard !text.contains("@") else { throw .list }
            return String(text)
        }
        guard text.count > 1, text.hasSuffix("\"") else { throw .localQuotes }
        var name = ""
        var rest = text.dropFirst().dropLast()
        while let character = rest.popFirst() {
            guard character != "\"" else { throw .localQuotes }
            guard character == "\\" else {
                name.append(character)
                continue
            }
            guard let escaped = rest.popFirst() else { throw .localQuotes }
            name.append(escaped)
        }
        return name
    }
}
