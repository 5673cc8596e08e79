import Domain

/// What is kept of the heads of an answer while they come in, line by line.
///
/// Informational answers, the head itself and the trailers count together: an exchange has so many lines and bytes for
/// all of them.
struct ResponseHead {
    private(set) var isTooLarge = false
    /// Whether the last head that began is whole.
    private(set) var isWhole = false
    /// Whether a line has come.
    var hasBegun: Bool { self.bytes > 0 }
    private var lines = 0
    private var bytes = 0
    private var retryAfter: String?
    private var date: String?

    /// - Parameter line: With its line end.
    /// - Returns: Whether there is room for more.
    mutating func take(_ line: UnsafeRawBufferPointer) -> Bool {
        self.bytes += line.count
        let isEnd = line.first == 0x0d || line.first == 0x0a
        if !isEnd { self.lines += 1 }
        guard self.bytes <= WebhookLimits.headBytesMax, self.lines <= WebhookLimits.headLinesMax else {
            self.isTooLarge = true
            return false
        }
        if line.starts(with: "HTTP/".utf8) {
            (self.retryAfter, self.date) = (nil, nil)  // an answer after a 1xx starts anew
            self.isWhole = false
        } else if isEnd {
            self.isWhole = true
        } else if !self.isWhole {
            // What a trailer says of these comes too late to be asked for (RFC 9110, 6.5.1).
            if let value = Self.value(of: "retry-after:", in: line) { self.retryAfter = value }
            if let value = Self.value(of: "date:", in: line) { self.date = value }
        }
        return true
    }

    /// nil when the answer does not ask to wait.
    var wish: RetryAfter? { self.retryAfter.flatMap { RetryAfter($0, sentAt: self.date) } }

    /// The value of a header line, blanks and line end cut off; nil when the line is of another name.
    private static func value(of name: StaticString, in line: UnsafeRawBufferPointer) -> String? {
        guard line.count > name.utf8CodeUnitCount else { return nil }
        for index in 0..<name.utf8CodeUnitCount where line[index] | 0x20 != name.utf8Start[index] | 0x20 { return nil }
        let blanks: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d || $0 == 0x0a }
        let rest = line[name.utf8CodeUnitCount...].drop(while: blanks)
        guard let end = rest.lastIndex(where: { !blanks($0) }) else { return "" }
        return String(decoding: rest[...end], as: UTF8.self)
    }
}
