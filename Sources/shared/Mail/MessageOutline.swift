import JSON

/// The body of a message as people read it: fields of an object, or a text.
struct MessageOutline {
    /// A member of the body.
    struct Field {
        let name: String
        /// Text as it is; anything else as JSON, indented where it is nested.
        let value: String
    }

    /// Fields that are shown of one message.
    static let fieldsMax = 500

    /// nil: the body is no object.
    let fields: [Field]?
    /// The body as a text, when it is no object.
    let text: String
    let isCut: Bool

    /// - Parameter body: Of an object that was read whole.
    init(_ body: JSONValue, in document: JSONObject) {
        if let object = document.object(body), !object.members.isEmpty {
            self.fields = object.members.prefix(Self.fieldsMax).map {
                Field(name: ReadableText.of($0.name), value: Self.text($0.value, in: object))
            }
            self.text = ""
            self.isCut = object.members.count > Self.fieldsMax
        } else {
            self.fields = nil
            self.text = Self.text(body, in: document)
            self.isCut = false
        }
    }

    static func text(_ value: JSONValue, in object: JSONObject) -> String {
        object.text(value).map { ReadableText.of($0) } ?? Self.indented(Array(object.verbatim(value)))
    }

    /// A value on several lines, two blanks for each level; strings and numbers stay as they were written.
    ///
    /// - Parameter json: One value, read before: quotes tell strings from what is between them.
    static func indented(_ json: [UInt8]) -> String {
        var output: [UInt8] = []
        output.reserveCapacity(json.count * 2)
        var depth = 0
        var isString = false
        var isEscaped = false
        /// Whether a bracket was opened and nothing of it written yet.
        var isOpened = false
        func newLine() { output += [0x0A] + [UInt8](repeating: 0x20, count: 2 * depth) }
        for byte in json {
            if isString {
                output.append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isString = false
                }
                continue
            }
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D: continue
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if !isOpened { newLine() }
                isOpened = false
                output.append(byte)
                continue
            default: break
            }
            if isOpened {
                newLine()
                isOpened = false
            }
            output.append(byte)
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                isOpened = true
            case UInt8(ascii: ","): newLine()
            case UInt8(ascii: ":"): output.append(0x20)
            case UInt8(ascii: "\""): isString = true
            default: break
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
