/// One line of a log: a JSON object in printable ASCII.
///
/// What a caller has written is escaped and cut, so that it ends no line, begins no other member and does nothing to a terminal.
package struct JSONLine {
    private let textBytesMax: Int
    private var text = "{"

    /// - Parameter textBytesMax: Bytes that a text takes of the line; the end of a longer one is replaced by U+2026.
    package init(textBytesMax: Int) { self.textBytesMax = textBytesMax }

    /// The line so far, without its line feed.
    package var finished: String { self.text + "}" }
    /// Bytes of it.
    package var bytes: Int { self.text.utf8.count + 1 }

    /// Adds a text; nothing for nil.
    package mutating func member(_ name: String, _ value: String?) {
        guard let value else { return }
        self.begin(name)
        self.text += "\""
        if value.utf8.count <= self.textBytesMax, value.utf8.allSatisfy(Self.isPlain) {
            self.text += value
        } else {
            self.escape(value)
        }
        self.text += "\""
    }

    package mutating func member(_ name: String, _ number: Int64) {
        self.begin(name)
        self.text += String(number)
    }

    private mutating func begin(_ name: String) {
        if self.text.utf8.count > 1 { self.text += "," }
        // Names are ours.
        self.text += "\"\(name)\":"
    }

    private mutating func escape(_ value: String) {
        var bytes = 0
        for scalar in value.unicodeScalars {
            let isPlain = scalar.isASCII && Self.isPlain(UInt8(scalar.value))
            let part = isPlain ? String(scalar) : scalar.utf16.map(Self.escaped).joined()
            bytes += part.utf8.count
            guard bytes <= self.textBytesMax else {
                self.text += "\\u2026"
                return
            }
            self.text += part
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x20...0x7E).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private static func escaped(_ unit: UInt16) -> String {
        let digits = String(unit, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }
}
