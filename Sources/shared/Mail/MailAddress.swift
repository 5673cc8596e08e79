/// An address of mail as it is spelled in SMTP: `local-part@domain` (RFC 5321, 4.1.2).
///
/// It holds no control character and neither `<` nor `>`, so that it can stand in a command or a header field as it is.
package struct MailAddress: Hashable, Sendable, CustomStringConvertible {
    /// Before the at sign: ASCII, in its quotes where it has some; its case is kept.
    package let local: String
    /// Behind it: A-labels in lower case.
    package let domain: String

    /// RFC 5321, 4.5.3.1.1.
    package static let localBytesMax = 64

    /// Reads an address, with an internationalized domain or its A-labels.
    ///
    /// Address literals are refused: they would have the relay connect to any address of its network.
    package init(_ text: String) throws(MailAddressInvalid) {
        guard !text.isEmpty else { throw .empty }
        guard !text.unicodeScalars.contains(where: Self.isControl) else { throw .control }
        guard !text.utf8.contains(where: { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: ">") }) else {
            throw .angleBracket
        }
        let (local, domain) = try Self.parts(text)
        try Self.check(local: local)
        guard !domain.isEmpty else { throw .noDomain }
        guard !domain.hasPrefix("[") else { throw .literal }
        self.local = String(local)
        self.domain = try DomainName.ascii(String(domain))
    }

    /// Of parts that were read before.
    init(local: String, domain: String) {
        self.local = local
        self.domain = domain
    }

    package var description: String { "\(self.local)@\(self.domain)" }

    /// As lists of addresses have it: two spellings of one mailbox are one there.
    package var listed: String { self.description.lowercased() }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    private static func parts(_ text: String) throws(MailAddressInvalid) -> (Substring, Substring) {
        if text.hasPrefix("@") { throw text.contains(":") ? .sourceRoute : .localEmpty }
        let at: String.Index
        if text.hasPrefix("\"") {
            var index = text.index(after: text.startIndex)
            while index < text.endIndex, text[index] != "\"" {
                if text[index] == "\\" { index = text.index(after: index) }
                guard index < text.endIndex else { throw .localQuotes }
                index = text.index(after: index)
            }
            guard index < text.endIndex else { throw .localQuotes }
            at = text.index(after: index)
            guard at < text.endIndex else { throw .noDomain }
            guard text[at] == "@" else { throw .localQuotes }
        } else {
            guard let first = text.firstIndex(of: "@") else { throw .noDomain }
            at = first
        }
        let domain = text[text.index(after: at)...]
        guard !domain.contains("@") else { throw .severalAtSigns }
        return (text[..<at], domain)
    }

    private static func check(local: Substring) throws(MailAddressInvalid) {
        guard local.utf8.allSatisfy({ $0 < 0x80 }) else { throw .localNotASCII }
        guard local.utf8.count <= self.localBytesMax else { throw .localTooLong }
        if local.hasPrefix("\"") {
            // The reader of the parts found where it is closed; control characters were refused before.
            guard local.utf8.count > 2 else { throw .localEmpty }
            return
        }
        for atom in local.split(separator: ".", omittingEmptySubsequences: false) {
            guard !atom.isEmpty, atom.utf8.allSatisfy(HeaderText.isAtomText) else { throw .localCharacter }
        }
    }
}
