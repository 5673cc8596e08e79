import Cryptography

/// Text in header fields: what may stand there as it is, and encoded words for the rest (RFC 5322, RFC 2047).
enum HeaderText {
    /// Columns of a line that holds an encoded word (RFC 2047, 2).
    static let columnsMax = 76
    /// Columns of any other line that is folded; a word without a blank may be longer (RFC 5322, 2.1.1).
    private static let foldAt = 78
    /// Bytes of a word that is not broken; lines end before 998.
    private static let wordBytesMax = 900

    private static let wordStart = "=?utf-8?B?"
    private static let wordEnd = "?="

    /// RFC 5322, 3.2.3.
    static func isAtomText(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: Self.atomMarks.contains(byte)
        }
    }

    private static let atomMarks = Set("!#$%&'*+-/=?^_`{|}~".utf8)

    /// Whether a text holds what ends a line, or another control character.
    static func holdsControl(_ text: some StringProtocol) -> Bool {
        text.unicodeScalars.contains(where: Self.isControl)
    }

    /// The text on one line: a blank for every control character and line separator.
    static func oneLine(_ text: some StringProtocol) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { Self.isControl($0) ? " " : $0 }))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// The value of an unstructured field such as `Subject`, folded.
    ///
    /// What a reader decodes is the text itself, with a blank for every control character.
    ///
    /// - Parameter column: Where the value begins on its line.
    static func unstructured(_ text: String, column: Int) -> String {
        guard !Self.fits(text, column: column) else { return text }
        let line = Self.oneLine(text)
        return Self.isPlain(line) ? Self.folded(line, column: column) : Self.encodedWords(line, column: column)
    }

    /// The display name of a mailbox, as a phrase (RFC 5322, 3.2.5).
    static func phrase(_ text: String, column: Int) -> String {
        let line = Self.oneLine(text)
        guard Self.isPlain(line) else { return Self.encodedWords(line, column: column) }
        if line.utf8.allSatisfy({ Self.isAtomText($0) || $0 == UInt8(ascii: " ") }) {
            return Self.folded(line, column: column)
        }
        let escaped = line.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return Self.folded("\"\(escaped)\"", column: column)
    }

    /// Whether it can stand as it is: printable ASCII that is not taken for an encoded word, and whose blanks survive
    /// unfolding.
    private static func isPlain(_ line: String) -> Bool {
        var last = UInt8(ascii: " ")
        var wordBytes = 0
        for byte in line.utf8 {
            guard (0x20...0x7E).contains(byte), byte != UInt8(ascii: "?") || last != UInt8(ascii: "=") else {
                return false
            }
            if byte == UInt8(ascii: " ") {
                guard last != byte else { return false }
                wordBytes = 0
            } else {
                wordBytes += 1
                guard wordBytes <= Self.wordBytesMax else { return false }
            }
            last = byte
        }
        return last != UInt8(ascii: " ")
    }

    /// Whether it can stand as it is on the line where it begins, as nearly all do.
    private static func fits(_ text: String, column: Int) -> Bool {
        column + text.utf8.count <= Self.foldAt && Self.isPlain(text)
    }

    /// Breaks a line in front of blanks.
    private static func folded(_ line: String, column: Int) -> String {
        var text = ""
        var column = column
        for (index, word) in line.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
            if index > 0 {
                let breaks = column + 1 + word.utf8.count > Self.foldAt
                text += breaks ? "\r\n " : " "
                column = breaks ? 1 : column + 1
            }
            text += word
            column += word.utf8.count
        }
        return text
    }

    /// The text as encoded words, each on a line of its own; a word holds whole characters, or whole scalars of a character
    /// that is too long for one.
    private static func encodedWords(_ text: String, column: Int) -> String {
        var words: [String] = []
        var word: [UInt8] = []
        var bytesMax = Self.wordBytes(from: column)
        func end() {
            guard !word.isEmpty else { return }
            words.append(Self.wordStart + Base64.encode(word) + Self.wordEnd)
            word = []
            bytesMax = Self.wordBytes(from: 1)
        }
        for character in text {
            if word.count + character.utf8.count > bytesMax { end() }
            guard character.utf8.count > bytesMax else {
                word += character.utf8
                continue
            }
            for scalar in character.unicodeScalars {
                let bytes = Array(String(Character(scalar)).utf8)
                if word.count + bytes.count > bytesMax { end() }
                word += bytes
            }
        }
        end()
        return words.joined(separator: "\r\n ")
    }

    /// Bytes that fit into a word of at most 75 columns which ends before column 76.
    private static func wordBytes(from column: Int) -> Int {
        let columns = min(75, Self.columnsMax - column) - Self.wordStart.utf8.count - Self.wordEnd.utf8.count
        return max(columns / 4 * 3, 4)
    }
}
