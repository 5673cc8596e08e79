/// Walks through the lines of a head, byte by byte.
struct HeadReader {
    struct RequestLine {
        let method: HTTPMethod
        let target: String
        let isHTTP10: Bool
    }

    private static let methodBytesMax = 32

    private let bytes: UnsafeRawBufferPointer
    private var index = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    private subscript(index: Int) -> UInt8 { index < self.bytes.count ? self.bytes[index] : 0 }

    /// The first line, with its end.
    mutating func requestLine(_ limits: HTTPLimits) throws(HTTPRequestFault) -> RequestLine {
        let method = self.span { Grammar.isToken($0) }
        guard !method.isEmpty, method.count <= Self.methodBytesMax, self[self.index] == Grammar.space else {
            throw .requestLine
        }
        self.index += 1
        let target = self.span { Grammar.isTarget($0) }
        guard !target.isEmpty else { throw .target }
        guard target.count <= limits.targetBytesMax else { throw .targetTooLong }
        // A line that ends here is of HTTP/0.9.
        guard self[self.index] == Grammar.space else {
            throw self[self.index] == Grammar.carriageReturn ? .version : .target
        }
        self.index += 1
        let version = self.span { $0 > Grammar.space && $0 != 0x7F }
        let isHTTP10: Bool
        switch String(decoding: self.bytes[version], as: UTF8.self) {
        case "HTTP/1.1": isHTTP10 = false
        case "HTTP/1.0": isHTTP10 = true
        default: throw .version
        }
        try self.lineEnd()
        let name = String(decoding: self.bytes[method], as: UTF8.self)
        guard name != HTTPMethod.connect.rawValue else { throw .connect }
        return RequestLine(
            method: HTTPMethod(rawValue: name), target: try self.originForm(target, of: name), isHTTP10: isHTTP10)
    }

    /// The next field: its name in lower case, and where its value is, without the blanks around it; nil at the empty line.
    mutating func field(_ limits: HTTPLimits) throws(HTTPRequestFault) -> (name: String, value: Range<Int>)? {
        if self[self.index] == Grammar.carriageReturn {
            try self.lineEnd()
            return nil
        }
        let start = self.index
        let name = self.span { Grammar.isToken($0) }
        guard !name.isEmpty else { throw Grammar.isBlank(self[start]) ? .fieldFolded : .fieldName }
        guard self[self.index] == Grammar.colon else { throw .fieldName }
        self.index += 1
        _ = self.span { Grammar.isBlank($0) }
        var value = self.span { Grammar.isFieldValue($0) }
        while let last = value.last, Grammar.isBlank(self[last]) { value.removeLast() }
        guard self[self.index] == Grammar.carriageReturn else { throw .fieldValue }
        try self.lineEnd()
        guard self.index - start <= limits.fieldBytesMax else { throw .headTooLarge }
        return (self.lowercased(name), value)
    }

    /// The bytes from here on that are of a kind.
    @inline(__always)
    private mutating func span(_ isOfKind: (UInt8) -> Bool) -> Range<Int> {
        let start = self.index
        while self.index < self.bytes.count, isOfKind(self.bytes[self.index]) { self.index += 1 }
        return start..<self.index
    }

    private mutating func lineEnd() throws(HTTPRequestFault) {
        guard self[self.index] == Grammar.carriageReturn, self[self.index + 1] == Grammar.lineFeed else {
            throw .lineEnding
        }
        self.index += 2
    }

    private func lowercased(_ range: Range<Int>) -> String {
        let bytes = UnsafeRawBufferPointer(rebasing: self.bytes[range])
        // Up to 15 bytes it needs no memory of its own, which most names have.
        return String(unsafeUninitializedCapacity: bytes.count) { text in
            for (index, byte) in bytes.enumerated() { text[index] = Grammar.lowercased(byte) }
            return bytes.count
        }
    }

    /// Path and query of a target, also of one in absolute form (RFC 9112, 3.2.2).
    private func originForm(_ range: Range<Int>, of method: String) throws(HTTPRequestFault) -> String {
        let bytes = UnsafeRawBufferPointer(rebasing: self.bytes[range])
        if bytes[0] == UInt8(ascii: "/") { return String(decoding: bytes, as: UTF8.self) }
        if bytes.count == 1, bytes[0] == UInt8(ascii: "*"), method == HTTPMethod.options.rawValue { return "*" }
        let scheme = bytes.prefix { $0 != Grammar.colon }.map { Grammar.lowercased($0) }
        let authority = scheme.count + 3
        guard scheme.elementsEqual("http".utf8) || scheme.elementsEqual("https".utf8),
            bytes[scheme.count...].prefix(3).elementsEqual("://".utf8)
        else { throw .target }
        let rest = bytes[authority...].drop { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        guard rest.startIndex > authority else { throw .target }
        return rest.first == UInt8(ascii: "/")
            ? String(decoding: rest, as: UTF8.self) : "/" + String(decoding: rest, as: UTF8.self)
    }
}
