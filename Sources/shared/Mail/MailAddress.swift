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

    /// What stands before the at sign and behind it, by bytes: a combining mark behind a delimiter would hide it.
    private static func parts(_ text: String) throws(MailAddressInvalid) -> (Substring, Substring) {
        let (sign, quote) = (UInt8(ascii: "@"), UInt8(ascii: "\""))
        let bytes = text.utf8
        if bytes.first == sign { throw bytes.contains(UInt8(ascii: ":")) ? .sourceRoute : .localEmpty }
        let at: String.Index
        if bytes.first == quote {
            var index = bytes.index(after: bytes.startIndex)
            while index < bytes.endIndex, bytes[index] != quote {
                if bytes[index] == UInt8(ascii: "\\") { index = bytes.index(after: index) }
                guard index < bytes.endIndex else { throw .localQuotes }
                index = bytes.index(after: index)
            }
            guard index < bytes.endIndex else { throw .localQuotes }
            at = bytes.index(after: index)
            guard at < bytes.endIndex else { throw .noDomain }
            guard bytes[at] == sign else { throw .localQuotes }
        } else {
            guard let first = bytes.firstIndex(of: sign) else { throw .noDomain }
            at = first
        }
        let domain = bytes[bytes.index(after: at)...]
        guard !domain.contains(sign) else { throw .severalAtSigns }
        return (Substring(bytes[..<at]), Substring(domain))
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
