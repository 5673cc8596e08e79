/// A small JSON object laid open: its members by name, each value known by its place in the bytes.
///
/// For documents off the hot path, such as metadata and subscriptions. Of members with one name the last counts.
package struct JSONObject: Sendable {
    package struct Member: Sendable {
        package let name: String
        package let value: JSONValue
    }

    /// The whole document the object stands in.
    private let bytes: [UInt8]
    /// In the order their names first appeared.
    package private(set) var members: [Member] = []
    /// By the bytes of the name: texts that Swift holds equal, such as two spellings of é, are two names.
    private var places: [[UInt8]: Int] = [:]

    /// The object without members.
    package init() {
        self.bytes = []
    }

    /// Reads a document that is one object.
    ///
    /// - Returns: nil when the document is sound, but an array.
    package init?(document bytes: [UInt8]) throws(JSONInvalid) {
        var reader = JSONReader()
        switch try reader.peek(in: bytes.span) {
        case UInt8(ascii: "{"): try self.init(&reader, of: bytes)
        case UInt8(ascii: "["):
            _ = try reader.value(in: bytes.span)
            try reader.end(in: bytes.span)
            return nil
        default: throw JSONInvalid(reason: .notContainer, offset: reader.index)
        }
        try reader.end(in: bytes.span)
    }

    /// Reads an object that stands inside a document, where the reader is.
    package init(_ reader: inout JSONReader, of bytes: [UInt8]) throws(JSONInvalid) {
        self.bytes = bytes
        try reader.openObject(in: bytes.span)
        while let name = try reader.nextName(in: bytes.span) {
            let value = try reader.value(in: bytes.span)
            guard let name = JSONText.text(of: name, in: bytes.span) else { continue }  // names are strings, always
            let member = Member(name: name, value: value)
            let key = Array(name.utf8)
            if let place = self.places[key] {
                self.members[place] = member
            } else {
                self.places[key] = self.members.count
                self.members.append(member)
            }
        }
    }

    /// nil when there is no such member, or it is `null`.
    package subscript(_ name: String) -> JSONValue? {
        guard let value = self.value(of: name), value.kind != .null else { return nil }
        return value
    }

    /// nil only when there is no such member.
    package func value(of name: String) -> JSONValue? {
        self.places[Array(name.utf8)].map { self.members[$0].value }
    }

    /// The text of a string; nil for any other kind of value.
    package func text(_ value: JSONValue) -> String? {
        JSONText.text(of: value, in: self.bytes.span)
    }

    /// The members of a value that is an object; nil for any other kind.
    package func object(_ value: JSONValue) -> JSONObject? {
        guard value.kind == .object else { return nil }
        var reader = JSONReader(at: value.range.lowerBound)
        // The bytes were read once already, so a second reading finds no fault.
        return try? JSONObject(&reader, of: self.bytes)
    }

    /// The elements of a value that is an array; nil for any other kind.
    package func elements(_ value: JSONValue) -> [JSONValue]? {
        guard value.kind == .array else { return nil }
        var reader = JSONReader(at: value.range.lowerBound)
        var elements: [JSONValue] = []
        do {
            try reader.openArray(in: self.bytes.span)
            while try reader.nextElement(in: self.bytes.span) {
                elements.append(try reader.value(in: self.bytes.span))
            }
        } catch {
            return nil  // cannot happen: the bytes were read once already
        }
        return elements
    }

    /// The texts of an array that holds nothing else; nil for any other value.
    package func texts(_ value: JSONValue) -> [String]? {
        guard let elements = self.elements(value) else { return nil }
        let texts = elements.compactMap { self.text($0) }
        return texts.count == elements.count ? texts : nil
    }

    /// A value as it was written.
    package func verbatim(_ value: JSONValue) -> ArraySlice<UInt8> {
        self.bytes[value.range]
    }
}

extension JSONValue {
    /// nil when it is not an integer.
    package var integer: Int64? {
        guard case .integer(let integer) = self.kind else { return nil }
        return integer
    }

    /// nil when it is not a boolean.
    package var boolean: Bool? {
        guard case .boolean(let boolean) = self.kind else { return nil }
        return boolean
    }
}
