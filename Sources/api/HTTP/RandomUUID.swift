/// A random UUID (RFC 9562, 5.4) in 16 bytes.
struct RandomUUID: Sendable, Hashable {
    private let high: UInt64
    private let low: UInt64

    init() {
        var generator = SystemRandomNumberGenerator()
        // Version 4, variant 1.
        self.high = generator.next() & 0xFFFF_FFFF_FFFF_0FFF | 0x4000
        self.low = generator.next() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    }

    private static let characters = 36

    /// Reads what ``text(after:)`` writes; nil for anything else.
    init?(_ text: String) {
        guard text.utf8.count == Self.characters else { return nil }
        var (high, low, digits): (UInt64, UInt64, Int) = (0, 0, 0)
        for (index, byte) in text.utf8.enumerated() {
            if [8, 13, 18, 23].contains(index) {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let value: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = byte - UInt8(ascii: "a") + 10
            default: return nil
            }
            if digits < 16 { high = high << 4 | UInt64(value) } else { low = low << 4 | UInt64(value) }
            digits += 1
        }
        self.high = high
        self.low = low
    }

    /// In lower case, with dashes.
    ///
    /// - Parameter prefix: What stands before it.
    func text(after prefix: StaticString = "") -> String {
        String(unsafeUninitializedCapacity: prefix.utf8CodeUnitCount + Self.characters) { text in
            var length = 0
            for index in 0..<prefix.utf8CodeUnitCount {
                text[length] = prefix.utf8Start[index]
                length += 1
            }
            for digit in 0..<32 {
                if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
                    text[length] = UInt8(ascii: "-")
                    length += 1
                }
                let half = digit < 16 ? self.high : self.low
                let value = UInt8(truncatingIfNeeded: half >> UInt64(60 - digit % 16 * 4)) & 15
                text[length] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
                length += 1
            }
            return length
        }
    }
}
