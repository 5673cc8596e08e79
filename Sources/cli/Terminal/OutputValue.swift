import JSON
import Yams

/// A value that a command shows: what a JSON document holds, with the members of objects in their order.
package indirect enum OutputValue: Sendable, Equatable {
    case null
    case boolean(Bool)
    /// As it is written, so that no digit is lost.
    case number(String)
    case text(String)
    case list([OutputValue])
    case object([(name: String, value: OutputValue)])

    package static func == (left: OutputValue, right: OutputValue) -> Bool { left.json == right.json }

    /// Reads a document of the API.
    ///
    /// - Throws: ``Failure`` when it is no JSON.
    package init(json bytes: [UInt8]) throws(Failure) {
        do {
            var reader = JSONReader()
            self = try Self.read(&reader, in: bytes.span)
            try reader.end(in: bytes.span)
        } catch {
            throw Failure("the answer is no JSON (\(error))")
        }
    }

    private static func read(_ reader: inout JSONReader, in bytes: Span<UInt8>) throws(JSONInvalid) -> OutputValue {
        switch try reader.peek(in: bytes) {
        case UInt8(ascii: "{"):
            var members: [(String, OutputValue)] = []
            try reader.openObject(in: bytes)
            while let name = try reader.nextName(in: bytes) {
                members.append((JSONText.text(of: name, in: bytes) ?? "", try self.read(&reader, in: bytes)))
            }
            return .object(members)
        case UInt8(ascii: "["):
            var elements: [OutputValue] = []
            try reader.openArray(in: bytes)
            while try reader.nextElement(in: bytes) { elements.append(try self.read(&reader, in: bytes)) }
            return .list(elements)
        default:
            let value = try reader.value(in: bytes)
            switch value.kind {
            case .string: return .text(JSONText.text(of: value, in: bytes) ?? "")
            case .boolean(let boolean): return .boolean(boolean)
            case .null: return .null
            case .integer, .fraction, .object, .array:
                return .number(String(decoding: value.range.map { bytes[$0] }, as: UTF8.self))
            }
        }
    }

    /// The value of a member; nil when this is no object, or has none of that name.
    package subscript(_ name: String) -> OutputValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    /// The elements of a list; nil for anything else.
    package var elements: [OutputValue]? {
        guard case .list(let elements) = self else { return nil }
        return elements
    }

    /// The text of a string; nil for anything else.
    package var text: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }

    // MARK: Forms

    /// As JSON, indented by two blanks.
    package var json: String { self.json(indent: 0) }

    private func json(indent: Int) -> String {
        func text(_ parts: [String], _ opening: String, _ closing: String) -> String {
            guard !parts.isEmpty else { return opening + closing }
            let line = "\n" + String(repeating: " ", count: indent)
            return opening + parts.map { "\(line)  \($0)" }.joined(separator: ",") + line + closing
        }
        return switch self {
        case .null: "null"
        case .boolean(let boolean): boolean ? "true" : "false"
        case .number(let digits): digits
        case .text(let text): JSONWriter.string(text)
        case .list(let elements): text(elements.map { $0.json(indent: indent + 2) }, "[", "]")
        case .object(let members):
            text(
                members.map { "\(JSONWriter.string($0.name)): \($0.value.json(indent: indent + 2))" }, "{", "}")
        }
    }

    /// As YAML, without a last line feed.
    package var yaml: String {
        get throws(Failure) {
            do {
                let text = try Yams.serialize(node: self.node, allowUnicode: true)
                return String(text.reversed().drop { $0 == "\n" }.reversed())
            } catch {
                throw Failure("this cannot be written as YAML (\(error))")
            }
        }
    }

    private var node: Node {
        switch self {
        case .null: Node("null", Tag(.null))
        case .boolean(let boolean): Node(boolean ? "true" : "false", Tag(.bool))
        case .number(let digits): Node(digits, Tag(digits.contains { ".eE".contains($0) } ? .float : .int))
        case .text(let text): Node(text, Tag(.str), Self.isPlain(text) ? .any : .doubleQuoted)
        case .list(let elements): Node(elements.map(\.node))
        case .object(let members): Node(members.map { (Node($0.name, Tag(.str)), $0.value.node) })
        }
    }

    /// Words that readers of YAML 1.1 take for something else than a text.
    private static let yamlWords: Set<String> = ["y", "yes", "n", "no", "true", "false", "on", "off", "null"]

    /// Whether every reader of YAML takes the text for a text without quotes.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.first, first.isLetter, !self.yamlWords.contains(text.lowercased()) else { return false }
        return text.allSatisfy { $0.isLetter || $0.isNumber || "_-./".contains($0) }
    }

    /// In a cell of a table: on one line.
    package var cell: String {
        switch self {
        case .null: "-"
        case .boolean(let boolean): boolean ? "yes" : "no"
        case .number(let digits): digits
        case .text(let text): Self.printable(text)
        case .list(let elements): elements.map(\.cell).joined(separator: ", ")
        case .object(let members): members.map { "\($0.name)=\($0.value.cell)" }.joined(separator: ", ")
        }
    }

    /// What others wrote must not move the cursor of a terminal or end a line.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: "\u{FFFD}"
                    default: scalar
                    }
                }))
    }
}
