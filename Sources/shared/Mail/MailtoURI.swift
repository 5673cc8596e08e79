import Cryptography

/// A `mailto:` URI that names one address (RFC 6068).
///
/// Of its header fields `subject` counts, the first one where there are several. All others are ignored, `to`, `cc`, `bcc`
/// and `body` among them: they would let a subscriber write to others, or write the mail. A fragment means nothing.
package struct MailtoURI: Hashable, Sendable {
    package let address: MailAddress
    /// nil when it has none.
    package let subject: String?

    package static let bytesMax = 2048
    /// Fits into a header field with every byte encoded.
    package static let subjectBytesMax = 512

    private static let scheme = "mailto:"

    /// - Throws: ``MailAddressInvalid``, which says what is wrong with it.
    package init(_ uri: String) throws(MailAddressInvalid) {
        guard uri.prefix(Self.scheme.count).lowercased() == Self.scheme else { throw .scheme }
        guard uri.utf8.count <= Self.bytesMax else { throw .tooLong }
        let holdsBlank = uri.unicodeScalars.contains {
            $0.properties.isWhitespace || $0.properties.generalCategory == .control
        }
        guard !holdsBlank else { throw .blank }
        // Bytes, not characters: a combining mark behind a delimiter would hide it.
        let rest = uri.utf8.dropFirst(Self.scheme.utf8.count).prefix { $0 != UInt8(ascii: "#") }
        let path = rest.prefix { $0 != UInt8(ascii: "?") }
        // A comma that is part of an address stands in quotes, percent-encoded.
        guard !path.contains(UInt8(ascii: ",")) else { throw .list }
        self.address = try MailAddress(try Self.decoded(path))
        self.subject = try Self.subject(of: rest.dropFirst(path.count + 1))
    }

    private static func subject(of query: Substring.UTF8View) throws(MailAddressInvalid) -> String? {
        var subject: String?
        for field in query.split(separator: UInt8(ascii: "&")) {
            let name = field.prefix { $0 != UInt8(ascii: "=") }
            // The whole URI has to be one, whatever is read of it.
            let (decodedName, value) = (try self.decoded(name), try self.decoded(field.dropFirst(name.count + 1)))
            guard subject == nil, decodedName.lowercased() == "subject" else { continue }
            guard !HeaderText.holdsControl(value) else { throw .subjectControl }
            guard value.utf8.count <= self.subjectBytesMax else { throw .subjectTooLong }
            subject = value
        }
        return subject
    }

    /// Undoes percent-encoding; a plus sign stays one.
    private static func decoded(_ text: Substring.UTF8View) throws(MailAddressInvalid) -> String {
        guard let bytes = Percent.decodeStrictly(text) else { throw .percentEncoding }
        guard let decoded = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
        return decoded
    }
}
