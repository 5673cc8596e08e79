package import NIOCore

extension ByteBuffer {
    /// Appends a text as a JSON string; beyond ASCII it stays UTF-8.
    package mutating func writeJSON(_ text: some StringProtocol) {
        self.writeInteger(UInt8(ascii: "\""))
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
            self.writeSubstring(Substring(text))
        } else {
            for byte in text.utf8 { self.writeEscaped(byte) }
        }
        self.writeInteger(UInt8(ascii: "\""))
    }

    private mutating func writeEscaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): self.writeStaticString("\\\"")
        case UInt8(ascii: "\\"): self.writeStaticString("\\\\")
        case 0x0A: self.writeStaticString("\\n")
        case 0x0D: self.writeStaticString("\\r")
        case 0x09: self.writeStaticString("\\t")
        case 0..<0x20:
            let digits: StaticString = "0123456789abcdef"
            self.writeStaticString("\\u00")
            self.writeInteger(digits.utf8Start[Int(byte >> 4)])
            self.writeInteger(digits.utf8Start[Int(byte & 15)])
        default: self.writeInteger(byte)
        }
    }

    /// Appends a number in decimal, without a string in between.
    package mutating func writeJSON(_ number: Int) {
        var magnitude = number.magnitude
        if number < 0 { self.writeInteger(UInt8(ascii: "-")) }
        var count = 1
        var rest = magnitude / 10
        while rest > 0 {
            count += 1
            rest /= 10
        }
        let end = self.writerIndex + count
        self.writeRepeatingByte(UInt8(ascii: "0"), count: count)
        for index in stride(from: end - 1, through: end - count, by: -1) {
            self.setInteger(UInt8(ascii: "0") + UInt8(magnitude % 10), at: index)
            magnitude /= 10
        }
    }

    package mutating func writeJSON(_ boolean: Bool) {
        self.writeStaticString(boolean ? "true" : "false")
    }

    /// Appends a string, or `null` for none.
    package mutating func writeJSON(_ text: String?) {
        if let text { self.writeJSON(text) } else { self.writeStaticString("null") }
    }

    /// Appends a number, or `null` for none.
    package mutating func writeJSON(_ number: Int?) {
        if let number { self.writeJSON(number) } else { self.writeStaticString("null") }
    }
}
