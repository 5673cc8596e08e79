/// A text that grows up to a bound; what comes after it is left out, and said to be.
struct BoundedText {
    private(set) var text = ""
    private(set) var isCut = false
    private let bytesMax: Int
    private var bytes = 0

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    /// Appends a text as a whole, or none of it.
    mutating func append(_ more: some StringProtocol) {
        let count = more.utf8.count
        guard !self.isCut, self.bytes + count <= self.bytesMax else {
            self.isCut = true
            return
        }
        self.text += more
        self.bytes += count
    }
}

/// Text for a page of HTML.
package enum HTMLText {
    /// A text as the content of an element or the value of an attribute in double quotes.
    package static func escaped(_ text: some StringProtocol) -> String {
        guard text.utf8.contains(where: Self.marks.contains) else { return String(text) }
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count + text.utf8.count / 16)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): output += "&amp;".utf8
            case UInt8(ascii: "<"): output += "&lt;".utf8
            case UInt8(ascii: ">"): output += "&gt;".utf8
            case UInt8(ascii: "\""): output += "&quot;".utf8
            case UInt8(ascii: "'"): output += "&#39;".utf8
            default: output.append(byte)
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static let marks = Array("&<>\"'".utf8)
}

/// Text for people: no control character but the ends of lines and tabs.
enum ReadableText {
    static func of(_ text: String) -> String {
        let isClean = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x0A || $0 == 0x09 }
        guard !isClean else { return text }
        let lines = text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
        return String(
            String.UnicodeScalarView(
                lines.unicodeScalars.map { scalar in
                    scalar.value >= 0x20 && scalar.value != 0x7F || scalar == "\n" || scalar == "\t"
                        ? scalar : "\u{FFFD}"
                }))
    }
}
