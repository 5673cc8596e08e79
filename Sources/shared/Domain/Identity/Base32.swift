/// Crockford's base 32 in lower case: sorts like the number it spells, and reads aloud without `i l o u`.
package enum Base32 {
    package static let alphabet: [UInt8] = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// The value of each ASCII character, 255 where it has none.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, character) in Self.alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()

    /// The lowest `5 * count` bits of a number, most significant first.
    package static func encode(_ number: UInt64, count: Int) -> [UInt8] {
        var text = [UInt8](repeating: 0, count: count)
        var rest = number
        for index in stride(from: count - 1, through: 0, by: -1) {
            text[index] = Self.alphabet[Int(rest & 31)]
            rest >>= 5
        }
        return text
    }

    /// Bytes as text, five bits to a character, padded with zero bits at the end.
    package static func encode(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count * 8 + 4) / 5)
        var pending: UInt32 = 0
        var pendingBits = 0
        for byte in bytes {
            pending = pending << 8 | UInt32(byte)
            pendingBits += 8
            while pendingBits >= 5 {
                pendingBits -= 5
                text.append(Self.alphabet[Int(pending >> UInt32(pendingBits)) & 31])
            }
            pending &= (1 << UInt32(pendingBits)) - 1
        }
        if pendingBits > 0 { text.append(Self.alphabet[Int(pending << UInt32(5 - pendingBits)) & 31]) }
        return text
    }

    /// Whether a text has characters of the alphabet alone.
    package static func isSpelled(_ text: some Sequence<UInt8>) -> Bool {
        text.allSatisfy { Self.values[Int($0)] < 32 }
    }

    /// The number spelled by at most twelve characters; nil when one of them is not of the alphabet.
    package static func decode(_ text: some Sequence<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for character in text {
            let value = Self.values[Int(character)]
            guard value < 32 else { return nil }
            number = number << 5 | UInt64(value)
        }
        return number
    }
}
