/// Texts out of strings that a ``JSONReader`` has passed.
package enum JSONText {
    /// The text of a string, escapes undone.
    package static func text(of string: JSONValue, in bytes: Span<UInt8>) -> String? {
        guard case .string(let hasEscapes) = string.kind else { return nil }
        var text: [UInt8] = []
        text.reserveCapacity(string.range.count - 2)
        var index = string.range.lowerBound + 1
        let end = string.range.upperBound - 1
        while index < end {
            let byte = bytes[index]
            if hasEscapes, byte == UInt8(ascii: "\\") {
                index += Self.unescape(at: index, in: bytes, into: &text)
            } else {
                text.append(byte)
                index += 1
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Whether a string spells a word, without making a text of it in the usual case.
    package static func isEqual(_ string: JSONValue, to word: StaticString, in bytes: Span<UInt8>) -> Bool {
        guard case .string(let hasEscapes) = string.kind else { return false }
        if hasEscapes { return Self.text(of: string, in: bytes) == "\(word)" }
        let start = string.range.lowerBound + 1
        guard string.range.count - 2 == word.utf8CodeUnitCount else { return false }
        for offset in 0..<word.utf8CodeUnitCount where bytes[start + offset] != word.utf8Start[offset] { return false }
        return true
    }

    /// The four digits of an escape that begins with `\u` at an index; nil when there is none.
    static func unit(at index: Int, in bytes: Span<UInt8>) -> UInt32? {
        guard index + 6 <= bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u") else {
            return nil
        }
        var unit: UInt32 = 0
        for offset in 2..<6 {
            let byte = bytes[index + offset]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    /// Appends what an escape stands for, and returns its length.
    private static func unescape(at index: Int, in bytes: Span<UInt8>, into text: inout [UInt8]) -> Int {
        switch bytes[index + 1] {
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var scalar = Self.unit(at: index, in: bytes) ?? 0
            var length = 6
            if 0xD800..<0xDC00 ~= scalar, let low = Self.unit(at: index + 6, in: bytes) {
                scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
                length = 12
            }
            guard let scalar = Unicode.Scalar(scalar) else { preconditionFailure("the reader passed half a character") }
            text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            return length
        case let itself: text.append(itself)
        }
        return 2
    }
}
