import Cryptography

/// How the bytes of a part travel: seven bits, lines of less than 998 bytes, CRLF at their ends (RFC 2045, 6).
enum BodyEncoding: String {
    case sevenBit = "7bit"
    case quotedPrintable = "quoted-printable"
    case base64

    private static let columnsMax = 76
    private static let lineBytesMax = 997

    /// The shortest of those that keep a text as it is; one that is ASCII stays readable on the way.
    init(for text: [UInt8]) {
        var others = 0
        var column = 0
        var isSevenBit = true
        for byte in text {
            column = byte == UInt8(ascii: "\n") ? 0 : column + 1
            if byte >= 0x80 { others += 1 }
            let isText = (0x20...0x7E).contains(byte) || byte == 0x09 || byte == 0x0A || byte == 0x0D
            if !isText || column > Self.lineBytesMax { isSevenBit = false }
        }
        self = isSevenBit ? .sevenBit : others * 3 > text.count ? .base64 : .quotedPrintable
    }

    /// - Parameter text: With CRLF at the ends of its lines.
    func encode(_ text: [UInt8]) -> [UInt8] {
        switch self {
        case .sevenBit: text
        case .quotedPrintable: Self.quotedPrintable(text)
        case .base64: Self.base64Lines(text)
        }
    }

    /// The text with CRLF for every end of a line, whichever it had.
    static func canonical(_ text: [UInt8]) -> [UInt8] {
        var lines: [UInt8] = []
        lines.reserveCapacity(text.count + text.count / 16)
        var start = 0
        for index in text.indices where text[index] == 0x0D || text[index] == 0x0A {
            lines += text[start..<index]
            if text[index] == 0x0D || index == 0 || text[index - 1] != 0x0D { lines += Self.lineEnd }
            start = index + 1
        }
        lines += text[start...]
        return lines
    }

    private static let digits = Array("0123456789ABCDEF".utf8)
    private static let lineEnd: [UInt8] = [0x0D, 0x0A]
    private static let softBreak: [UInt8] = [UInt8(ascii: "="), 0x0D, 0x0A]

    private static func quotedPrintable(_ text: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count + text.count / 8)
        var column = 0
        /// Where what stands as it is and is not copied yet begins: it is copied in one piece.
        var start = 0
        for index in text.indices {
            let byte = text[index]
            if byte == 0x0D || byte == 0x0A {
                column = 0
                continue
            }
            let isLiteral =
                Self.isLiteral(byte) || Self.isBlank(byte) && index + 1 < text.count && text[index + 1] != 0x0D
            let width = isLiteral ? 1 : 3
            // The last column is for the equals sign that breaks the line.
            let breaks = column + width > Self.columnsMax - 1
            if breaks || !isLiteral {
                output += text[start..<index]
                start = index
            }
            if breaks {
                output += Self.softBreak
                column = 0
            }
            if !isLiteral {
                output.append(UInt8(ascii: "="))
                output.append(Self.digits[Int(byte >> 4)])
                output.append(Self.digits[Int(byte & 15)])
                start = index + 1
            }
            column += width
        }
        output += text[start...]
        return output
    }

    /// Whether a byte can stand as it is, wherever it does.
    private static func isLiteral(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "=")
    }

    /// Whether a byte can stand as it is but at the end of a line.
    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func base64Lines(_ text: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count / 3 * 4 + text.count / 28)
        let lineBytes = Self.columnsMax / 4 * 3
        for start in stride(from: 0, to: text.count, by: lineBytes) {
            output += Base64.encode(Array(text[start..<min(start + lineBytes, text.count)])).utf8
            output += [0x0D, 0x0A]
        }
        return output
    }
}
