/// What is kept of the heads of a response while they come in, line by line.
///
/// Informational responses, the head itself and the trailers count together: an exchange has so many lines and bytes for
/// all of them.
struct ResponseHead {
    /// The name of a field that is kept, as lines begin with it.
    struct FieldName: Sendable {
        let text: String
        /// With the colon behind it.
        fileprivate let bytes: [UInt8]

        /// - Parameter text: In lower case.
        init(_ text: String) {
            self.text = text
            self.bytes = Array("\(text):".utf8)
        }
    }

    private(set) var isTooLarge = false
    /// Whether the last head that began is whole.
    private(set) var isWhole = false
    /// Whether a line has come.
    var hasBegun: Bool { self.bytes > 0 }
    private(set) var fields: [HTTPField] = []
    private var lines = 0
    private var bytes = 0

    /// - Parameters:
    ///   - line: With its line end.
    ///   - kept: The fields to keep.
    /// - Returns: Whether there is capacity for more.
    mutating func take(_ line: UnsafeRawBufferPointer, keeping kept: [FieldName]) -> Bool {
        self.bytes += line.count
        let isEnd = line.first == 0x0d || line.first == 0x0a
        if !isEnd { self.lines += 1 }
        guard self.bytes <= HTTPClientLimits.headBytesMax, self.lines <= HTTPClientLimits.headLinesMax else {
            self.isTooLarge = true
            return false
        }
        if line.starts(with: "HTTP/".utf8) {
            self.fields = []  // a response after a 1xx starts anew
            self.isWhole = false
        } else if isEnd {
            self.isWhole = true
        } else if !self.isWhole {
            // What a trailer says of these comes too late to be asked for (RFC 9110, 6.5.1).
            for name in kept {
                guard let value = Self.value(of: name.bytes, in: line) else { continue }
                self.keep(value, as: name.text)
            }
        }
        return true
    }

    private mutating func keep(_ value: String, as name: String) {
        if let index = self.fields.firstIndex(where: { $0.name == name }) {
            self.fields[index].value = value
        } else {
            self.fields.append(HTTPField(name: name, value: value))
        }
    }

    /// The value of a header line, blanks and line end cut off; nil when the line is of another name.
    private static func value(of name: [UInt8], in line: UnsafeRawBufferPointer) -> String? {
        guard line.count > name.count else { return nil }
        for index in name.indices where line[index] | 0x20 != name[index] | 0x20 { return nil }
        let blanks: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d || $0 == 0x0a }
        let rest = line[name.count...].drop(while: blanks)
        guard let end = rest.lastIndex(where: { !blanks($0) }) else { return "" }
        return String(decoding: rest[...end], as: UTF8.self)
    }
}
