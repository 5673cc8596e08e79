package import NIOCore

/// Finds the parts and the end of a body (RFC 9112, 6 and 7.1).
package struct BodyDecoder {
    package enum Part {
        /// Bytes of the body, never none.
        case bytes(ByteBuffer)
        /// More has to arrive.
        case incomplete
        case end
    }

    private enum State {
        /// Bytes of the body that are still to come, chunks aside.
        case length(Int)
        case chunkSize
        case chunk(Int)
        /// The line end behind the bytes of a chunk.
        case chunkEnd
        case trailers
        case end
    }

    private var state: State
    private let limits: HTTPLimits
    private var extensionBytes = 0
    private var trailerBytes = 0
    private var trailerFields = 0

    /// Digits of a chunk's size; 2^60 bytes at the utmost.
    private static let sizeDigitsMax = 15

    package init(_ framing: HTTPRequestHead.Framing, _ limits: HTTPLimits) {
        self.limits = limits
        switch framing {
        case .none: self.state = .end
        case .length(let length): self.state = length == 0 ? .end : .length(length)
        case .chunked: self.state = .chunkSize
        }
    }

    /// Takes the next part off the front of what has arrived.
    package mutating func next(_ input: inout ByteBuffer) throws(HTTPRequestFault) -> Part {
        while true {
            switch self.state {
            case .end: return .end
            case .length(let left):
                guard let part = input.readSlice(length: min(left, input.readableBytes)), part.readableBytes > 0 else {
                    return .incomplete
                }
                self.state = left == part.readableBytes ? .end : .length(left - part.readableBytes)
                return .bytes(part)
            case .chunk(let left):
                guard let part = input.readSlice(length: min(left, input.readableBytes)), part.readableBytes > 0 else {
                    return .incomplete
                }
                self.state = left == part.readableBytes ? .chunkEnd : .chunk(left - part.readableBytes)
                return .bytes(part)
            case .chunkEnd:
                guard input.readableBytes >= 2 else { return .incomplete }
                guard input.readInteger(as: UInt16.self) == 0x0D0A else { throw .chunk }
                self.state = .chunkSize
            case .chunkSize:
                let bound = self.limits.chunkExtensionBytesMax - self.extensionBytes + Self.sizeDigitsMax + 2
                guard let line = try Self.line(&input, bytesMax: bound, else: .chunkExtensionsTooLong) else {
                    return .incomplete
                }
                let size = try self.size(line)
                self.state = size == 0 ? .trailers : .chunk(size)
            case .trailers:
                let bound = self.limits.fieldBytesMax - self.trailerBytes
                guard let line = try Self.line(&input, bytesMax: max(2, bound), else: .trailer) else {
                    return .incomplete
                }
                if line.readableBytes == 2 { self.state = .end } else { try self.trailer(line) }
            }
        }
    }

    /// A line with its end; nil while it is incomplete.
    private static func line(
        _ input: inout ByteBuffer, bytesMax: Int, else fault: HTTPRequestFault
    ) throws(HTTPRequestFault) -> ByteBuffer? {
        let view = input.readableBytesView
        guard let end = view.prefix(bytesMax).firstIndex(of: Grammar.lineFeed) else {
            if view.count >= bytesMax { throw fault }
            return nil
        }
        guard end > view.startIndex, view[end - 1] == Grammar.carriageReturn else { throw .lineEnding }
        return input.readSlice(length: end - view.startIndex + 1)
    }

    /// The size of a chunk; its extensions are ignored.
    private mutating func size(_ line: ByteBuffer) throws(HTTPRequestFault) -> Int {
        let text = line.readableBytesView.dropLast(2)
        let digits = text.prefix { Grammar.hexadecimal($0) != nil }
        guard !digits.isEmpty, digits.count <= Self.sizeDigitsMax else { throw .chunk }
        let extensions = text[digits.endIndex...]
        self.extensionBytes += extensions.count
        guard self.extensionBytes <= self.limits.chunkExtensionBytesMax else { throw .chunkExtensionsTooLong }
        guard Self.areExtensions(extensions) else { throw .chunk }
        return digits.reduce(0) { $0 << 4 | (Grammar.hexadecimal($1) ?? 0) }
    }

    /// `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )` (RFC 9112, 7.1.1).
    private static func areExtensions(_ text: ByteBufferView) -> Bool {
        var rest = text
        while !rest.isEmpty {
            rest = rest.drop { Grammar.isBlank($0) }
            guard rest.popFirst() == UInt8(ascii: ";") else { return false }
            rest = rest.drop { Grammar.isBlank($0) }
            guard let first = rest.first, Grammar.isToken(first) else { return false }
            rest = rest.drop { Grammar.isToken($0) }
            let value = rest.drop { Grammar.isBlank($0) }
            guard value.first == UInt8(ascii: "=") else { continue }
            rest = value.dropFirst().drop { Grammar.isBlank($0) }
            if rest.first == UInt8(ascii: "\"") {
                guard Self.dropQuotedString(&rest) else { return false }
            } else {
                guard let first = rest.first, Grammar.isToken(first) else { return false }
                rest = rest.drop { Grammar.isToken($0) }
            }
        }
        return true
    }

    private static func dropQuotedString(_ text: inout ByteBufferView) -> Bool {
        _ = text.popFirst()
        while let byte = text.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return true
            case UInt8(ascii: "\\"): guard let next = text.popFirst(), Grammar.isFieldValue(next) else { return false }
            default: guard Grammar.isFieldValue(byte) else { return false }
            }
        }
        return false
    }

    /// Fields behind the body are checked and ignored (RFC 9110, 6.5.1).
    private mutating func trailer(_ line: ByteBuffer) throws(HTTPRequestFault) {
        self.trailerBytes += line.readableBytes
        self.trailerFields += 1
        guard self.trailerFields <= self.limits.fieldsMax, self.trailerBytes < self.limits.fieldBytesMax else {
            throw .trailer
        }
        let limits = self.limits
        let isField = line.withUnsafeReadableBytes { bytes in
            var reader = HeadReader(bytes)
            return (try? reader.field(limits)) != nil  // any fault is one of the trailer
        }
        guard isField else { throw .trailer }
    }
}
