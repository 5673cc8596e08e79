/// The classes of bytes of RFC 9110 and 9112.
enum Grammar {
    static let tab = UInt8(ascii: "\t")
    static let space = UInt8(ascii: " ")
    static let carriageReturn = UInt8(ascii: "\r")
    static let lineFeed = UInt8(ascii: "\n")
    static let colon = UInt8(ascii: ":")

    // One bit for each byte below 128: digits, a to z, A to Z and !#$%&'*+-.^_`|~
    private static let tokensLow: UInt64 = 0x03FF_6CFA_0000_0000
    private static let tokensHigh: UInt64 = 0x57FF_FFFF_C7FF_FFFE

    /// `tchar`.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        if byte < 64 { return self.tokensLow >> UInt64(byte) & 1 == 1 }
        return byte < 128 && self.tokensHigh >> UInt64(byte & 63) & 1 == 1
    }

    /// `field-vchar`, blanks and `obs-text`: what the value of a field may hold.
    @inline(__always)
    static func isFieldValue(_ byte: UInt8) -> Bool {
        byte >= 0x20 ? byte != 0x7F : byte == self.tab
    }

    /// What a request target may hold: visible ASCII without a fragment.
    ///
    /// More than RFC 3986 admits, because callers send some characters without encoding them; none of them ends a target.
    @inline(__always)
    static func isTarget(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "#")
    }

    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == self.space || byte == self.tab }

    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    /// The value of a hexadecimal digit.
    @inline(__always)
    static func hexadecimal(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}
