/// Why bytes are no JSON document, or one beyond a bound, and where.
package struct JSONInvalid: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Reason: String, Sendable {
        case unexpectedByte = "unexpected byte"
        case unexpectedEnd = "unexpected end"
        case controlCharacter = "control character in a string"
        case badEscape = "bad escape in a string"
        case loneSurrogate = "half of a surrogate pair in a string"
        case notUTF8 = "not UTF-8"
        case badNumber = "bad number"
        case integerTooLarge = "integer beyond 64 bits"
        case tooDeep = "nested too deep"
        case notContainer = "neither an object nor an array"
    }

    package let reason: Reason
    /// The offset of the byte that is not allowed.
    package let offset: Int

    package init(reason: Reason, offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package var description: String { "\(self.reason.rawValue) at byte \(self.offset)" }
}

/// A value inside a document, known by its place there.
package struct JSONValue: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case object
        case array
        /// Its text stands between the quotes as it is, unless it has escapes.
        case string(hasEscapes: Bool)
        /// Written without fraction and exponent.
        case integer(Int64)
        /// Written with a fraction or an exponent, of any size.
        case fraction
        case boolean(Bool)
        case null
    }

    package let kind: Kind
    /// From its first byte to its last, quotes and brackets included.
    package let range: Range<Int>
}

/// Reads a JSON document once, front to back, checking every byte it passes.
///
/// It holds a place, not the bytes: each call is handed the same span of the whole document. A caller that wants members or
/// elements opens the container and asks for them one by one; ``value(in:)`` takes anything whole. Bodies are thereby cut
/// out verbatim, in one pass, without a tree.
///
/// Stricter than RFC 8259 where the messaging API is, or where readers downstream would stumble: integers fit in 64 bits,
/// arrays and objects nest at most ``nestingMax`` levels, UTF-8 is well formed and without a byte-order mark, and
/// `\u` escapes make whole characters.
package struct JSONReader: Sendable {
    /// Levels of arrays and objects a document may nest.
    package static let nestingMax = 100

    /// Where reading goes on.
    package private(set) var index: Int
    private let depthMax: Int
    private var depth = 0
    /// Nothing of the innermost open container was read yet.
    private var isFresh = false

    /// - Parameter nestingMax: Levels of arrays and objects; more than usual for what was read once and stands inside of something now.
    package init(at index: Int = 0, nestingMax: Int = Self.nestingMax) {
        self.index = index
        self.depthMax = nestingMax
    }

    // MARK: - Containers

    package mutating func openObject(in bytes: Span<UInt8>) throws(JSONInvalid) {
        try self.open(UInt8(ascii: "{"), in: bytes)
    }

    package mutating func openArray(in bytes: Span<UInt8>) throws(JSONInvalid) {
        try self.open(UInt8(ascii: "["), in: bytes)
    }

    /// The next name of the open object, whose value must be read before the next call; nil: the object is closed.
    package mutating func nextName(in bytes: Span<UInt8>) throws(JSONInvalid) -> JSONValue? {
        guard try self.advance(to: UInt8(ascii: "}"), in: bytes) else { return nil }
        guard try self.peek(in: bytes) == UInt8(ascii: "\"") else { throw self.invalid(.unexpectedByte) }
        let name = try self.string(in: bytes)
        guard try self.peek(in: bytes) == UInt8(ascii: ":") else { throw self.invalid(.unexpectedByte) }
        self.index += 1
        return name
    }

    /// Whether the open array has one more element, which must then be read before the next call; false: it is closed.
    package mutating func nextElement(in bytes: Span<UInt8>) throws(JSONInvalid) -> Bool {
        try self.advance(to: UInt8(ascii: "]"), in: bytes)
    }

    /// The first byte of what comes next, white space aside.
    package mutating func peek(in bytes: Span<UInt8>) throws(JSONInvalid) -> UInt8 {
        while self.index < bytes.count {
            let byte = bytes[self.index]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            self.index += 1
        }
        throw self.invalid(.unexpectedEnd)
    }

    /// Makes sure that nothing but white space is left.
    package mutating func end(in bytes: Span<UInt8>) throws(JSONInvalid) {
        while self.index < bytes.count {
            let byte = bytes[self.index]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else {
                throw self.invalid(.unexpectedByte)
            }
            self.index += 1
        }
    }

    private mutating func open(_ bracket: UInt8, in bytes: Span<UInt8>) throws(JSONInvalid) {
        guard try self.peek(in: bytes) == bracket else { throw self.invalid(.unexpectedByte) }
        guard self.depth < self.depthMax else { throw self.invalid(.tooDeep) }
        self.index += 1
        self.depth += 1
        self.isFresh = true
    }

    private mutating func advance(to bracket: UInt8, in bytes: Span<UInt8>) throws(JSONInvalid) -> Bool {
        let byte = try self.peek(in: bytes)
        if byte == bracket {
            self.index += 1
            self.depth -= 1
            self.isFresh = false
            return false
        }
        if self.isFresh {
            self.isFresh = false
            return true
        }
        guard byte == UInt8(ascii: ",") else { throw self.invalid(.unexpectedByte) }
        self.index += 1
        return true
    }

    // MARK: - Values

    /// Reads one value whole, whatever it is.
    package mutating func value(in bytes: Span<UInt8>) throws(JSONInvalid) -> JSONValue {
        let first = try self.peek(in: bytes)
        let start = self.index
        switch first {
        case UInt8(ascii: "\""): return try self.string(in: bytes)
        case UInt8(ascii: "{"):
            try self.openObject(in: bytes)
            while try self.nextName(in: bytes) != nil { _ = try self.value(in: bytes) }
            return JSONValue(kind: .object, range: start..<self.index)
        case UInt8(ascii: "["):
            try self.openArray(in: bytes)
            while try self.nextElement(in: bytes) { _ = try self.value(in: bytes) }
            return JSONValue(kind: .array, range: start..<self.index)
        case UInt8(ascii: "t"): return try self.literal("true", .boolean(true), in: bytes)
        case UInt8(ascii: "f"): return try self.literal("false", .boolean(false), in: bytes)
        case UInt8(ascii: "n"): return try self.literal("null", .null, in: bytes)
        default: return try self.number(in: bytes)
        }
    }

    private mutating func literal(
        _ word: StaticString, _ kind: JSONValue.Kind, in bytes: Span<UInt8>
    ) throws(JSONInvalid) -> JSONValue {
        let start = self.index
        for offset in 0..<word.utf8CodeUnitCount {
            guard self.index < bytes.count else { throw self.invalid(.unexpectedEnd) }
            guard bytes[self.index] == word.utf8Start[offset] else { throw self.invalid(.unexpectedByte) }
            self.index += 1
        }
        return JSONValue(kind: kind, range: start..<self.index)
    }

    private mutating func number(in bytes: Span<UInt8>) throws(JSONInvalid) -> JSONValue {
        let start = self.index
        let isNegative = bytes[start] == UInt8(ascii: "-")
        if isNegative { self.index += 1 }
        let firstDigit = self.index
        var integer: Int64 = 0
        var isTooLarge = false
        while let digit = self.digit(in: bytes) {
            // Counted downwards: the smallest integer has no positive twin.
            let (product, overflow) = integer.multipliedReportingOverflow(by: 10)
            let (difference, underflow) = product.subtractingReportingOverflow(Int64(digit))
            isTooLarge = isTooLarge || overflow || underflow
            integer = difference
            self.index += 1
        }
        guard self.index > firstDigit else { throw self.invalid(self.index == start ? .unexpectedByte : .badNumber) }
        guard self.index == firstDigit + 1 || bytes[firstDigit] != UInt8(ascii: "0") else {
            throw self.invalid(.badNumber)
        }
        var isFraction = false
        if self.index < bytes.count, bytes[self.index] == UInt8(ascii: ".") {
            self.index += 1
            try self.digits(in: bytes)
            isFraction = true
        }
        if self.index < bytes.count, bytes[self.index] | 0x20 == UInt8(ascii: "e") {
            self.index += 1
            if self.index < bytes.count,
                bytes[self.index] == UInt8(ascii: "+") || bytes[self.index] == UInt8(ascii: "-")
            {
                self.index += 1
            }
            try self.digits(in: bytes)
            isFraction = true
        }
        if isFraction { return JSONValue(kind: .fraction, range: start..<self.index) }
        guard !isTooLarge, isNegative || integer != .min else {
            throw JSONInvalid(reason: .integerTooLarge, offset: start)
        }
        return JSONValue(kind: .integer(isNegative ? integer : -integer), range: start..<self.index)
    }

    private func digit(in bytes: Span<UInt8>) -> UInt8? {
        guard self.index < bytes.count else { return nil }
        let digit = bytes[self.index] &- UInt8(ascii: "0")
        return digit <= 9 ? digit : nil
    }

    private mutating func digits(in bytes: Span<UInt8>) throws(JSONInvalid) {
        let start = self.index
        while self.digit(in: bytes) != nil { self.index += 1 }
        guard self.index > start else { throw self.invalid(.badNumber) }
    }

    // MARK: - Strings

    private mutating func string(in bytes: Span<UInt8>) throws(JSONInvalid) -> JSONValue {
        let start = self.index
        var hasEscapes = false
        self.index += 1
        while self.index < bytes.count {
            let byte = bytes[self.index]
            if byte == UInt8(ascii: "\"") {
                self.index += 1
                return JSONValue(kind: .string(hasEscapes: hasEscapes), range: start..<self.index)
            } else if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                try self.escape(in: bytes)
            } else if byte >= 0x80 {
                try self.character(in: bytes)
            } else if byte >= 0x20 {
                self.index += 1
            } else {
                throw self.invalid(.controlCharacter)
            }
        }
        throw self.invalid(.unexpectedEnd)
    }

    private mutating func escape(in bytes: Span<UInt8>) throws(JSONInvalid) {
        guard self.index + 1 < bytes.count else { throw self.invalid(.unexpectedEnd) }
        switch bytes[self.index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            self.index += 2
        case UInt8(ascii: "u"):
            guard let unit = JSONText.unit(at: self.index, in: bytes) else { throw self.invalid(.badEscape) }
            if 0xD800..<0xDC00 ~= unit {
                // RFC 8259 lets halves pass and calls what follows unpredictable; strict receivers refuse the whole body.
                guard let low = JSONText.unit(at: self.index + 6, in: bytes), 0xDC00..<0xE000 ~= low else {
                    throw self.invalid(.loneSurrogate)
                }
                self.index += 12
            } else {
                guard !(0xDC00..<0xE000 ~= unit) else { throw self.invalid(.loneSurrogate) }
                self.index += 6
            }
        default: throw self.invalid(.badEscape)
        }
    }

    /// Passes one character of two to four bytes (RFC 3629, section 4).
    private mutating func character(in bytes: Span<UInt8>) throws(JSONInvalid) {
        let first = bytes[self.index]
        let second: ClosedRange<UInt8>
        let length: Int
        switch first {
        case 0xC2...0xDF: (second, length) = (0x80...0xBF, 2)
        case 0xE0: (second, length) = (0xA0...0xBF, 3)  // below: overlong
        case 0xED: (second, length) = (0x80...0x9F, 3)  // above: surrogates
        case 0xE1...0xEF: (second, length) = (0x80...0xBF, 3)
        case 0xF0: (second, length) = (0x90...0xBF, 4)  // below: overlong
        case 0xF1...0xF3: (second, length) = (0x80...0xBF, 4)
        case 0xF4: (second, length) = (0x80...0x8F, 4)  // above: beyond U+10FFFF
        default: throw self.invalid(.notUTF8)
        }
        guard self.index + length <= bytes.count, second.contains(bytes[self.index + 1]) else {
            throw self.invalid(.notUTF8)
        }
        for offset in 2..<max(2, length) where bytes[self.index + offset] & 0xC0 != 0x80 {
            throw self.invalid(.notUTF8)
        }
        self.index += length
    }

    private func invalid(_ reason: JSONInvalid.Reason) -> JSONInvalid {
        JSONInvalid(reason: reason, offset: self.index)
    }
}
