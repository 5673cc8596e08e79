package import NIOCore

/// Reads the head of a request: RFC 9112 without any of its leniency.
///
/// A head is parsed once, when it is complete. What comes in parts is looked at line by line until then, so a byte at a time
/// costs no more than all at once, and what cannot become a request is refused with its first wrong line.
package struct HeadParser {
    private let limits: HTTPLimits
    /// Offsets from the reader index: where the line that is not complete begins, and how far it was looked at.
    private var line = 0
    private var scanned = 0
    private var emptyLines = 0

    /// Empty lines that are skipped in front of a request (RFC 9112, 2.2).
    private static let emptyLinesMax = 4
    /// Around the target: a method, a version, blanks.
    private static let requestLineBytesMax = 64

    package init(_ limits: HTTPLimits) {
        self.limits = limits
    }

    /// Takes a head off the front of what has arrived.
    ///
    /// - Returns: nil while it is incomplete.
    package mutating func next(_ input: inout ByteBuffer) throws(HTTPRequestFault) -> HTTPRequestHead? {
        try self.skipEmptyLines(&input)
        guard let length = try self.length(in: input) else { return nil }
        let bytes = input.readSlice(length: length) ?? ByteBuffer()
        (self.line, self.scanned, self.emptyLines) = (0, 0, 0)
        return try Head.parse(bytes, self.limits)
    }

    private mutating func skipEmptyLines(_ input: inout ByteBuffer) throws(HTTPRequestFault) {
        while self.line == 0, input.getInteger(at: input.readerIndex, as: UInt16.self) == 0x0D0A {
            self.emptyLines += 1
            self.scanned = 0
            guard self.emptyLines <= Self.emptyLinesMax else { throw .requestLine }
            input.moveReaderIndex(forwardBy: 2)
        }
    }

    /// Bytes of the head with its empty line; nil while that has not arrived.
    private mutating func length(in input: ByteBuffer) throws(HTTPRequestFault) -> Int? {
        let (limits, line, scanned) = (self.limits, self.line, self.scanned)
        let found = input.withUnsafeReadableBytes { bytes in
            Self.scan(bytes, line: line, from: scanned, limits)
        }
        switch found {
        case .fault(let fault): throw fault
        case .end(let length): return length
        case .incomplete(let line):
            self.line = line
            self.scanned = input.readableBytes
            return nil
        }
    }

    private enum Scan {
        case end(Int)
        case incomplete(line: Int)
        case fault(HTTPRequestFault)
    }

    private static func scan(
        _ bytes: UnsafeRawBufferPointer, line start: Int, from scanned: Int, _ limits: HTTPLimits
    ) -> Scan {
        var line = start
        var index = scanned
        while index < bytes.count {
            guard bytes[index] == Grammar.lineFeed else {
                index += 1
                continue
            }
            guard index > line, bytes[index - 1] == Grammar.carriageReturn else { return .fault(.lineEnding) }
            if index == line + 1 { return index < limits.headBytesMax ? .end(index + 1) : .fault(.headTooLarge) }
            if line == 0 {
                var reader = HeadReader(bytes)
                do throws(HTTPRequestFault) {
                    _ = try reader.requestLine(limits)
                } catch {
                    return .fault(error)
                }
            }
            line = index + 1
            index += 1
        }
        if line == 0 {
            // Of a request line that is not complete the first byte says enough: that of TLS, or of noise, begins no token.
            if let first = bytes.first, !Grammar.isToken(first), first != Grammar.carriageReturn {
                return .fault(.requestLine)
            }
            if bytes.count > limits.targetBytesMax + self.requestLineBytesMax { return .fault(.targetTooLong) }
        }
        return bytes.count > limits.headBytesMax ? .fault(.headTooLarge) : .incomplete(line: line)
    }
}

/// A head that has arrived whole.
private enum Head {
    static func parse(_ buffer: ByteBuffer, _ limits: HTTPLimits) throws(HTTPRequestFault) -> HTTPRequestHead {
        let result = buffer.withUnsafeReadableBytes { bytes -> Result<HTTPRequestHead, HTTPRequestFault> in
            do throws(HTTPRequestFault) {
                return .success(try self.parse(bytes, in: buffer, limits))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private static func parse(
        _ bytes: UnsafeRawBufferPointer, in buffer: ByteBuffer, _ limits: HTTPLimits
    ) throws(HTTPRequestFault) -> HTTPRequestHead {
        var reader = HeadReader(bytes)
        let line = try reader.requestLine(limits)
        var meaning = FieldMeaning()
        var fields: [HTTPRequestHead.Field] = []
        fields.reserveCapacity(12)
        while let (name, value) = try reader.field(limits) {
            guard fields.count < limits.fieldsMax else { throw .fieldsTooMany }
            try meaning.add(name, UnsafeRawBufferPointer(rebasing: bytes[value]))
            fields.append(
                .init(
                    name: name,
                    value: value.lowerBound + buffer.readerIndex..<value.upperBound + buffer.readerIndex))
        }
        let framing = try meaning.framing(isHTTP10: line.isHTTP10)
        return HTTPRequestHead(
            method: line.method, target: line.target, isHTTP10: line.isHTTP10, fields: fields, framing: framing,
            keepsConnection: line.isHTTP10 ? meaning.isKept && !meaning.isClosed : !meaning.isClosed,
            expectsContinue: meaning.expectsContinue && !line.isHTTP10,
            upgrade: line.isHTTP10 || !meaning.namesUpgrade ? nil : meaning.upgrade, bytes: buffer)
    }
}

/// What the fields say that concern the connection and the length of the body.
private struct FieldMeaning {
    private var hosts = 0
    private var length: Int?
    private var isChunked = false
    private(set) var isClosed = false
    private(set) var isKept = false
    private(set) var namesUpgrade = false
    private(set) var expectsContinue = false
    private(set) var upgrade: String?

    mutating func add(_ name: String, _ value: UnsafeRawBufferPointer) throws(HTTPRequestFault) {
        switch name.utf8.count {
        case 4 where name == "host":
            self.hosts += 1
            guard self.hosts == 1, value.allSatisfy(Self.isHost) else { throw .host }
        case 6 where name == "expect":
            // Other expectations are ignored (RFC 9110, 10.1.1).
            self.expectsContinue = Self.text(value) == "100-continue"
        case 7 where name == "upgrade":
            let text = String(decoding: value, as: UTF8.self)
            self.upgrade = self.upgrade.map { "\($0), \(text)" } ?? text
        case 10 where name == "connection":
            for option in Self.text(value).utf8.split(separator: UInt8(ascii: ",")) {
                let option = String(decoding: option.filter { !Grammar.isBlank($0) }, as: UTF8.self)
                switch option {
                case "close": self.isClosed = true
                case "keep-alive": self.isKept = true
                case "upgrade": self.namesUpgrade = true
                default: break
                }
            }
        case 14 where name == "content-length":
            guard self.length == nil, let length = Self.number(value) else { throw .contentLength }
            self.length = length
        case 17 where name == "transfer-encoding":
            guard !self.isChunked, Self.text(value) == "chunked" else { throw .transferEncoding }
            self.isChunked = true
        default: break
        }
    }

    func framing(isHTTP10: Bool) throws(HTTPRequestFault) -> HTTPRequestHead.Framing {
        // RFC 9112, 3.2: a must of HTTP/1.1.
        guard isHTTP10 || self.hosts == 1 else { throw .host }
        guard self.isChunked else { return self.length.map { .length($0) } ?? .none }
        guard !isHTTP10 else { throw .transferEncoding }
        guard self.length == nil else { throw .lengthAmbiguous }
        return .chunked
    }

    private static func text(_ value: UnsafeRawBufferPointer) -> String {
        String(decoding: value.lazy.map { Grammar.lowercased($0) }, as: UTF8.self)
    }

    /// Digits only, at most 18: no sign, no list, nothing that overflows.
    private static func number(_ value: UnsafeRawBufferPointer) -> Int? {
        guard (1...18).contains(value.count) else { return nil }
        var number = 0
        for byte in value {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return number
    }

    private static func isHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "@"), UInt8(ascii: "\\"): false
        default: Grammar.isTarget(byte)
        }
    }
}
