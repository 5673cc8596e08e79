import Foundation

/// A mail that the mail catcher took, and what a person reads of it.
///
/// It understands the mails Herald sends: one text, or alternatives of text and HTML, encoded in any of MIME's ways
/// (RFC 2045, RFC 2047). Of other mails the source is shown.
package struct CaughtMail: Sendable, Equatable {
    /// Of the envelope; empty for a notice.
    package let from: String
    package let recipients: [String]
    /// As it came, with CRLF at the end of each line.
    package let bytes: [UInt8]

    private let head: Head
    private let content: ArraySlice<UInt8>

    package init(from: String, recipients: [String], bytes: [UInt8]) {
        self.from = from
        self.recipients = recipients
        self.bytes = bytes
        (self.head, self.content) = Self.split(bytes[...])
    }

    /// The value of a header field, unfolded and decoded; nil when there is none.
    package subscript(field: String) -> String? { self.head.fields[field.lowercased()].map(EncodedWords.decode) }

    package var subject: String { self["subject"] ?? "" }
    /// What is for eyes without HTML.
    package var text: String? { self.part("text/plain") }
    package var html: String? { self.part("text/html") }
    package var source: String { String(decoding: self.bytes, as: UTF8.self) }

    private func part(_ type: String) -> String? {
        if let boundary = self.head.boundary {
            for part in Self.parts(of: self.content, boundary: boundary) {
                let (head, content) = Self.split(part)
                if head.type == type { return head.decode(content) }
            }
            return nil
        }
        return self.head.type == type ? self.head.decode(self.content) : nil
    }

    // MARK: MIME

    private struct Head: Equatable, Sendable {
        /// By their names in lower case; of several fields of a name the first.
        var fields: [String: String] = [:]

        var type: String {
            let value = self.fields["content-type"] ?? "text/plain"
            return value.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces).lowercased()
        }

        /// Of a multipart type.
        var boundary: String? {
            guard self.type.hasPrefix("multipart/"), let value = self.fields["content-type"],
                let start = value.range(of: "boundary=", options: .caseInsensitive)?.upperBound
            else { return nil }
            let rest = value[start...]
            if rest.first == "\"" { return String(rest.dropFirst().prefix { $0 != "\"" }) }
            return String(rest.prefix { $0 != ";" && $0 != " " })
        }

        func decode(_ content: ArraySlice<UInt8>) -> String {
            switch self.fields["content-transfer-encoding"]?.lowercased() {
            case "quoted-printable": String(decoding: QuotedPrintable.decode(content), as: UTF8.self)
            case "base64":
                String(
                    decoding: Data(base64Encoded: Data(content), options: .ignoreUnknownCharacters) ?? Data(),
                    as: UTF8.self)
            default: String(decoding: content, as: UTF8.self)
            }
        }
    }

    /// The header fields, and what follows the empty line behind them.
    private static func split(_ bytes: ArraySlice<UInt8>) -> (Head, ArraySlice<UInt8>) {
        var head = Head()
        var name: String?
        var rest = bytes
        while let end = rest.firstIndex(of: 0x0A) {
            let line = String(decoding: rest[..<end].filter { $0 != 0x0D }, as: UTF8.self)
            rest = rest[rest.index(after: end)...]
            if line.isEmpty { break }
            if line.first == " " || line.first == "\t" {
                // A folded line belongs to the field before it (RFC 5322, 2.2.3).
                if let name { head.fields[name]?.append(line) }
            } else if let colon = line.firstIndex(of: ":") {
                let key = line[..<colon].lowercased()
                name = head.fields[key] == nil ? key : nil
                if let name {
                    head.fields[name] = String(line[line.index(after: colon)...].drop { $0 == " " })
                }
            } else {
                name = nil
            }
        }
        return (head, rest)
    }

    private static func parts(of content: ArraySlice<UInt8>, boundary: String) -> [ArraySlice<UInt8>] {
        let delimiter = Array("--\(boundary)".utf8)
        var parts: [ArraySlice<UInt8>] = []
        var begin: Int?
        var line = content.startIndex
        while line < content.endIndex {
            let end = content[line...].firstIndex(of: 0x0A) ?? content.endIndex - 1
            if content[line...end].starts(with: delimiter) {
                // The line end before a delimiter belongs to it (RFC 2046, 5.1.1).
                if let begin { parts.append(content[begin..<Swift.max(begin, line - 2)]) }
                begin = end + 1
            }
            line = end + 1
        }
        return parts
    }
}

/// The encoding of RFC 2045, 6.7.
enum QuotedPrintable {
    static func decode(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            guard bytes[index] == UInt8(ascii: "=") else {
                decoded.append(bytes[index])
                index += 1
                continue
            }
            let rest = bytes[(index + 1)...]
            if rest.starts(with: [0x0D, 0x0A]) {
                index += 3
            } else if rest.first == 0x0A {
                index += 2
            } else if rest.count >= 2, let byte = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                decoded.append(byte)
                index += 3
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        return decoded
    }
}

/// Words of header fields that are no ASCII (RFC 2047).
enum EncodedWords {
    /// Words that are not of UTF-8, or broken, stay as they are.
    static func decode(_ value: String) -> String {
        var decoded: [UInt8] = []
        var wasWord = false
        // Blanks between two encoded words are not part of the text (RFC 2047, 6.2).
        var blanks = ""
        var rest = value[...]
        while !rest.isEmpty {
            let space = rest.prefix { $0 == " " || $0 == "\t" }
            blanks += space
            rest = rest.dropFirst(space.count)
            let token = rest.prefix { $0 != " " && $0 != "\t" }
            guard !token.isEmpty else { break }
            rest = rest.dropFirst(token.count)
            if let bytes = Self.word(token) {
                if !wasWord { decoded += blanks.utf8 }
                decoded += bytes
                wasWord = true
            } else {
                decoded += blanks.utf8
                decoded += token.utf8
                wasWord = false
            }
            blanks = ""
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    private static func word(_ token: Substring) -> [UInt8]? {
        guard token.hasPrefix("=?"), token.hasSuffix("?=") else { return nil }
        let fields = token.dropFirst(2).dropLast(2).split(separator: "?", omittingEmptySubsequences: false)
        guard fields.count == 3, fields[0].lowercased() == "utf-8" else { return nil }
        switch fields[1].lowercased() {
        case "b": return Data(base64Encoded: String(fields[2])).map { Array($0) }
        case "q": return QuotedPrintable.decode(ArraySlice(fields[2].utf8.map { $0 == UInt8(ascii: "_") ? 0x20 : $0 }))
        default: return nil
        }
    }
}
