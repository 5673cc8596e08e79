/// The name of one request in answers and logs: `req-` and a UUID.
enum RequestID {
    private static let prefix = "req-"

    /// A new one.
    static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        // Version 4, variant 1 (RFC 9562, 5.4).
        let high = generator.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        let low = generator.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        return String(unsafeUninitializedCapacity: 40) { text in
            var length = 0
            for byte in Self.prefix.utf8 {
                text[length] = byte
                length += 1
            }
            for digit in 0..<32 {
                if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
                    text[length] = UInt8(ascii: "-")
                    length += 1
                }
                let half = digit < 16 ? high : low
                let value = UInt8(truncatingIfNeeded: half >> UInt64(60 - digit % 16 * 4)) & 15
                text[length] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
                length += 1
            }
            return length
        }
    }

    /// The text, when it is `req-` and a UUID with dashes.
    static func wellFormed(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        guard bytes.count == 40, text.hasPrefix(Self.prefix) else { return nil }
        for (index, byte) in bytes.dropFirst(Self.prefix.utf8.count).enumerated() {
            let isDash = [8, 13, 18, 23].contains(index)
            switch byte {
            case UInt8(ascii: "-"): guard isDash else { return nil }
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                UInt8(ascii: "A")...UInt8(ascii: "F"):
                guard !isDash else { return nil }
            default: return nil
            }
        }
        return text
    }
}
