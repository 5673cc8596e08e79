import JSON
import NIOCore

/// Writes a JSON document as MessagePack.
///
/// It reads the document twice: MessagePack says how many elements a container has before the first of them, JSON never does.
struct MessagePackWriter {
    private(set) var bytes: ByteBuffer
    /// Elements or pairs of each container, in the order their brackets open.
    private var counts: [Int] = []
    private var nextCount = 0

    init(capacity: Int) {
        self.bytes = ByteBufferAllocator().buffer(capacity: capacity)
    }

    mutating func write(document json: Span<UInt8>) throws(JSONInvalid) {
        var reader = Self.reader()
        try self.count(&reader, in: json)
        try reader.end(in: json)
        reader = Self.reader()
        try self.write(&reader, in: json)
    }

    private static func reader() -> JSONReader {
        JSONReader(nestingMax: JSONReader.nestingMax + MessagePack.frameLevels)
    }

    // MARK: - Counting

    private mutating func count(_ reader: inout JSONReader, in json: Span<UInt8>) throws(JSONInvalid) {
        var count = 0
        let index = self.counts.count
        switch try reader.peek(in: json) {
        case UInt8(ascii: "{"):
            self.counts.append(0)
            try reader.openObject(in: json)
            while try reader.nextName(in: json) != nil {
                try self.count(&reader, in: json)
                count += 1
            }
        case UInt8(ascii: "["):
            self.counts.append(0)
            try reader.openArray(in: json)
            while try reader.nextElement(in: json) {
                try self.count(&reader, in: json)
                count += 1
            }
        default:
            _ = try reader.value(in: json)
            return
        }
        self.counts[index] = count
    }

    // MARK: - Writing

    private mutating func write(_ reader: inout JSONReader, in json: Span<UInt8>) throws(JSONInvalid) {
        switch try reader.peek(in: json) {
        case UInt8(ascii: "{"):
            self.writeHead(0x80, 0xDE)
            try reader.openObject(in: json)
            while let name = try reader.nextName(in: json) {
                self.writeString(name, in: json)
                try self.write(&reader, in: json)
            }
        case UInt8(ascii: "["):
            self.writeHead(0x90, 0xDC)
            try reader.openArray(in: json)
            while try reader.nextElement(in: json) { try self.write(&reader, in: json) }
        default: self.write(try reader.value(in: json), in: json)
        }
    }

    /// - Parameters:
    ///   - short: The first byte of a container of up to 15.
    ///   - long: The one of a container with a count of 16 bits; that of 32 bits follows it.
    private mutating func writeHead(_ short: UInt8, _ long: UInt8) {
        let count = self.counts[self.nextCount]
        self.nextCount += 1
        switch count {
        case ...15: self.bytes.writeInteger(short | UInt8(count))
        case ...0xFFFF:
            self.bytes.writeInteger(long)
            self.bytes.writeInteger(UInt16(count))
        default:
            self.bytes.writeInteger(long + 1)
            self.bytes.writeInteger(UInt32(truncatingIfNeeded: count))
        }
    }

    private mutating func write(_ value: JSONValue, in json: Span<UInt8>) {
        switch value.kind {
        case .null: self.bytes.writeInteger(UInt8(0xC0))
        case .boolean(let boolean): self.bytes.writeInteger(UInt8(boolean ? 0xC3 : 0xC2))
        case .integer(let integer): self.write(integer)
        case .fraction: self.writeFraction(value.range, in: json)
        case .string: self.writeString(value, in: json)
        case .object, .array: preconditionFailure("a container does not begin with its bracket")
        }
    }

    private mutating func write(_ integer: Int64) {
        switch integer {
        case -32...127: self.bytes.writeInteger(Int8(integer))
        case 128...0xFF: self.writeNumber(0xCC, UInt8(integer))
        case 0x100...0xFFFF: self.writeNumber(0xCD, UInt16(integer))
        case 0x1_0000...0xFFFF_FFFF: self.writeNumber(0xCE, UInt32(integer))
        case 0x1_0000_0000...: self.writeNumber(0xCF, UInt64(integer))
        case Int64(Int8.min)...: self.writeNumber(0xD0, Int8(integer))
        case Int64(Int16.min)...: self.writeNumber(0xD1, Int16(integer))
        case Int64(Int32.min)...: self.writeNumber(0xD2, Int32(integer))
        default: self.writeNumber(0xD3, integer)
        }
    }

    private mutating func writeNumber(_ type: UInt8, _ number: some FixedWidthInteger) {
        self.bytes.writeInteger(type)
        self.bytes.writeInteger(number)
    }

    private mutating func writeFraction(_ range: Range<Int>, in json: Span<UInt8>) {
        let text = json.extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        guard let number = Double(text) else { preconditionFailure("the reader passed what is no number") }
        self.writeNumber(0xCB, number.bitPattern)
    }

    private mutating func writeString(_ string: JSONValue, in json: Span<UInt8>) {
        guard case .string(hasEscapes: true) = string.kind else {
            let content = json.extracting(string.range.lowerBound + 1..<string.range.upperBound - 1)
            self.writeStringHead(content.count)
            return content.withUnsafeBytes { _ = self.bytes.writeBytes($0) }
        }
        let text = JSONText.text(of: string, in: json) ?? ""
        self.writeStringHead(text.utf8.count)
        self.bytes.writeString(text)
    }

    private mutating func writeStringHead(_ count: Int) {
        switch count {
        case ...31: self.bytes.writeInteger(0xA0 | UInt8(count))
        case ...0xFF: self.writeNumber(0xD9, UInt8(count))
        case ...0xFFFF: self.writeNumber(0xDA, UInt16(count))
        default: self.writeNumber(0xDB, UInt32(truncatingIfNeeded: count))
        }
    }
}
