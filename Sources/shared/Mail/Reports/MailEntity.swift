/// A mail, or a part of one, as far as reports need it: fields, and parts one level down (RFC 5322, RFC 2046).
///
/// It takes LF and CRLF as the end of a line, skips lines of the header that are no fields, such as the `From ` line of a
/// mailbox file, and reads what is there of an entity that was cut.
struct MailEntity {
    struct Field: Equatable {
        /// In lower case.
        let name: String
        /// On one line.
        var value: String
    }

    /// Fields of one header, and bytes of one field; what is beyond is left out.
    static let fieldsMax = 500
    static let fieldBytesMax = 8_192
    /// Parts of one entity; further ones are left out.
    static let partsMax = 8

    let fields: [Field]
    let body: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        var lines = MailLines(bytes)
        self.fields = Self.fields(&lines)
        self.body = lines.rest
    }

    /// The value of the first field of a name.
    ///
    /// - Parameter name: In lower case.
    subscript(_ name: String) -> String? { self.fields.first { $0.name == name }?.value }

    func all(_ name: String) -> [String] { self.fields.filter { $0.name == name }.map(\.value) }

    var contentType: ContentType { ContentType(self["content-type"] ?? "text/plain") }

    /// Reads fields up to an empty line, which is read too, or to the end.
    static func fields(_ lines: inout MailLines) -> [Field] {
        var fields: [Field] = []
        /// Whether the field that lines continue is kept.
        var isKept = false
        while let line = lines.next(), !line.isEmpty {
            if line.first == 0x20 || line.first == 0x09 {
                guard isKept, let last = fields.indices.last,
                    fields[last].value.utf8.count + line.count <= Self.fieldBytesMax
                else { continue }
                fields[last].value += " " + Self.text(line)
                continue
            }
            isKept = false
            guard fields.count < Self.fieldsMax, line.count <= Self.fieldBytesMax,
                let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line[..<colon].allSatisfy({ (0x21...0x7E).contains($0) })
            else { continue }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            fields.append(Field(name: name, value: Self.text(line[(colon + 1)...])))
            isKept = true
        }
        return fields
    }

    /// A text without blanks at its ends, and with one for every control character.
    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        let text = HeaderText.oneLine(String(decoding: bytes, as: UTF8.self))
        return String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }

    /// The parts of a multipart entity.
    ///
    /// - Parameter boundary: Of its content type.
    func parts(_ boundary: String) -> [MailEntity] {
        let delimiter = Array("--\(boundary)".utf8)
        var parts: [MailEntity] = []
        var start: Int?
        var lines = MailLines(self.body)
        var lineStart = lines.rest.startIndex
        while let line = lines.next() {
            defer { lineStart = lines.rest.startIndex }
            guard line.starts(with: delimiter) else { continue }
            let tail = line.dropFirst(delimiter.count)
            let isEnd = tail.starts(with: "--".utf8)
            guard isEnd || tail.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else { continue }
            if let start { parts.append(MailEntity(self.body[start..<lineStart])) }
            guard !isEnd, parts.count < Self.partsMax else { return parts }
            start = lines.rest.startIndex
        }
        if let start { parts.append(MailEntity(self.body[start...])) }
        return parts
    }
}

/// The lines of a text, without their ends.
struct MailLines {
    /// What was not read yet.
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        self.rest = bytes
    }

    mutating func next() -> ArraySlice<UInt8>? {
        guard !self.rest.isEmpty else { return nil }
        let end = self.rest.firstIndex(of: 0x0A) ?? self.rest.endIndex
        var line = self.rest[..<end]
        self.rest = self.rest[min(end + 1, self.rest.endIndex)...]
        if line.last == 0x0D { line.removeLast() }
        return line
    }
}

/// The field `Content-Type` (RFC 2045, 5.1).
struct ContentType: Equatable {
    /// In lower case: `multipart/report`.
    let type: String
    /// By their names in lower case; the first of a name counts.
    private(set) var parameters: [String: String] = [:]

    private static let parametersMax = 16

    init(_ value: String) {
        var rest = value.utf8[...]
        func take(until ends: Set<UInt8>) -> String {
            let part = rest.prefix { !ends.contains($0) }
            rest = rest.dropFirst(part.count)
            return String(decoding: part, as: UTF8.self)
        }
        let (semicolon, equals, quote) = (UInt8(ascii: ";"), UInt8(ascii: "="), UInt8(ascii: "\""))
        self.type = take(until: [semicolon, 0x20]).lowercased()
        for _ in 0..<Self.parametersMax {
            rest = rest.drop { $0 != semicolon }.drop { $0 == semicolon || $0 == 0x20 }
            guard !rest.isEmpty else { return }
            let name = take(until: [equals, semicolon, 0x20]).lowercased()
            rest = rest.drop { $0 == 0x20 }
            guard rest.first == equals else { continue }
            rest = rest.dropFirst().drop { $0 == 0x20 }
            var text: [UInt8] = []
            if rest.first == quote {
                rest = rest.dropFirst()
                while let byte = rest.popFirst(), byte != quote {
                    if byte == UInt8(ascii: "\\"), let escaped = rest.popFirst() {
                        text.append(escaped)
                    } else {
                        text.append(byte)
                    }
                }
            } else {
                text = Array(take(until: [semicolon, 0x20]).utf8)
            }
            if self.parameters[name] == nil { self.parameters[name] = String(decoding: text, as: UTF8.self) }
        }
    }
}
