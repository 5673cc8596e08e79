/// A body ended too early, or is no JSON where it was looked at.
struct BodyFault: Error {}

/// A place in a body that moves forward only, over what no key asks for without looking at it closely.
///
/// Bodies were checked byte by byte when they were posted. What is passed over here is therefore only followed as far as its end has to
/// be found: quotes, brackets and their number. Whatever the bytes are, it stays inside of them.
struct BodyCursor {
    private(set) var index = 0

    /// The first byte of what comes next, white space aside.
    @inline(__always)
    mutating func peek(in bytes: Span<UInt8>) throws(BodyFault) -> UInt8 {
        if self.index < bytes.count, bytes[self.index] > 0x20 { return bytes[self.index] }
        return try self.peekBehindSpace(in: bytes)
    }

    private mutating func peekBehindSpace(in bytes: Span<UInt8>) throws(BodyFault) -> UInt8 {
        while self.index < bytes.count {
            let byte = bytes[self.index]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            self.index += 1
        }
        throw BodyFault()
    }

    /// Whether nothing but white space is left.
    mutating func isAtEnd(in bytes: Span<UInt8>) -> Bool {
        (try? self.peek(in: bytes)) == nil  // a fault is the end
    }

    /// Passes the byte at hand, which ``peek(in:)`` returned.
    mutating func advance() { self.index += 1 }

    mutating func move(to index: Int) { self.index = index }

    /// Passes a string, whose first quote is at hand.
    ///
    /// - Returns: Whether it has escapes.
    @discardableResult
    mutating func skipString(in bytes: Span<UInt8>) throws(BodyFault) -> Bool {
        var hasEscapes = false
        self.index += 1
        while true {
            self.index = Self.quoteOrBackslash(from: self.index, in: bytes)
            guard self.index < bytes.count else { throw BodyFault() }
            if bytes[self.index] == UInt8(ascii: "\"") {
                self.index += 1
                return hasEscapes
            }
            hasEscapes = true
            self.index += 2  // the byte behind a backslash ends no string, and of longer escapes the rest is plain
        }
    }

    /// Passes the value at hand, whatever it is.
    ///
    /// - Parameter depth: Levels of arrays and objects it stands in.
    mutating func skipValue(_ first: UInt8, depth: Int, in bytes: Span<UInt8>) throws(BodyFault) {
        switch first {
        case UInt8(ascii: "\""): try self.skipString(in: bytes)
        case UInt8(ascii: "{"), UInt8(ascii: "["): try self.skipContainer(depth: depth, in: bytes)
        default:
            let start = self.index
            while self.index < bytes.count, !Self.endsScalar(bytes[self.index]) { self.index += 1 }
            guard self.index > start else { throw BodyFault() }
        }
    }

    private mutating func skipContainer(depth: Int, in bytes: Span<UInt8>) throws(BodyFault) {
        var open = 0
        while self.index < bytes.count {
            switch bytes[self.index] {
            case UInt8(ascii: "\""):
                try self.skipString(in: bytes)
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                open += 1
                guard depth + open <= FilterEvaluator.nestingMax else { throw BodyFault() }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                open -= 1
                if open == 0 {
                    self.index += 1
                    return
                }
            default: break
            }
            self.index += 1
        }
        throw BodyFault()
    }

    private static func endsScalar(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), 0x20, 0x0A, 0x0D, 0x09: true
        default: false
        }
    }

    /// The place of the next quote or backslash, found eight bytes at a time; the end when there is none.
    private static func quoteOrBackslash(from start: Int, in bytes: Span<UInt8>) -> Int {
        var index = start
        let raw = bytes.bytes
        while index <= bytes.count - 8 {
            let word = UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
            // A byte that is zero becomes the lowest byte with its high bit set; those above it may be wrong, and do not count.
            let quotes = word ^ Self.each(UInt8(ascii: "\""))
            let backslashes = word ^ Self.each(UInt8(ascii: "\\"))
            let found =
                ((quotes &- Self.each(0x01)) & ~quotes | (backslashes &- Self.each(0x01)) & ~backslashes)
                & Self.each(0x80)
            if found != 0 { return index + found.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\"") || bytes[index] == UInt8(ascii: "\\") { return index }
            index += 1
        }
        return bytes.count
    }

    @inline(__always)
    private static func each(_ byte: UInt8) -> UInt64 { UInt64(byte) * 0x0101_0101_0101_0101 }
}
