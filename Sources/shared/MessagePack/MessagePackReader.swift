import JSON
import NIOCore

/// Reads MessagePack once, front to back, and writes the JSON of it.
///
/// ```
/// 00-7F  integer          C0     nil            C7-C9  ext             D4-D8  ext             E0-FF  integer, -32 to -1
/// 80-8F  map              C1     -              CA-CB  float 32, 64    D9-DB  str 8, 16, 32
/// 90-9F  array            C2-C3  false, true    CC-CF  unsigned        DC-DD  array 16, 32
/// A0-BF  str              C4-C6  bin 8, 16, 32  D0-D3  signed          DE-DF  map 16, 32
/// ```
struct MessagePackReader {
    private(set) var json: ByteBuffer
    /// Where reading goes on.
    private(set) var index = 0
    private var depth = 0

    init(capacity: Int) {
        self.json = ByteBufferAllocator().buffer(capacity: capacity)
    }

    func invalid(_ reason: MessagePackInvalid.Reason) -> MessagePackInvalid {
        MessagePackInvalid(reason: reason, offset: self.index)
    }

    /// Reads one value whole.
    mutating func read(in bytes: Span<UInt8>) throws(MessagePackInvalid) {
        guard self.index < bytes.count else { throw self.invalid(.unexpectedEnd) }
        let type = bytes[self.index]
        switch type {
        case 0x00...0x7F:
            self.index += 1
            self.json.writeString(String(type))
        case 0xE0...0xFF:
            self.index += 1
            self.json.writeString(String(Int8(bitPattern: type)))
        case 0x80...0x8F, 0xDE, 0xDF: try self.readMap(in: bytes)
        case 0x90...0x9F, 0xDC, 0xDD: try self.readArray(in: bytes)
        case 0xA0...0xBF, 0xC4...0xC6, 0xD9...0xDB: try self.readString(in: bytes)
        case 0xC0: self.literal("null")
        case 0xC2: self.literal("false")
        case 0xC3: self.literal("true")
        case 0xCA: try self.write(Double(Float(bitPattern: self.integer(in: bytes))))
        case 0xCB: try self.write(Double(bitPattern: self.integer(in: bytes)))
        case 0xCC: self.json.writeString(String(try self.integer(in: bytes, as: UInt8.self)))
        case 0xCD: self.json.writeString(String(try self.integer(in: bytes, as: UInt16.self)))
        case 0xCE: self.json.writeString(String(try self.integer(in: bytes, as: UInt32.self)))
        case 0xCF: self.json.writeString(String(try self.integer(in: bytes, as: UInt64.self)))
        case 0xD0: self.json.writeString(String(try self.integer(in: bytes, as: Int8.self)))
        case 0xD1: self.json.writeString(String(try self.integer(in: bytes, as: Int16.self)))
        case 0xD2: self.json.writeString(String(try self.integer(in: bytes, as: Int32.self)))
        case 0xD3: self.json.writeString(String(try self.integer(in: bytes, as: Int64.self)))
        case 0xC1: throw self.invalid(.unusedByte)
        default: throw self.invalid(.extensionType)
        }
    }

    // MARK: - Numbers

    private mutating func literal(_ word: StaticString) {
        self.index += 1
        self.json.writeStaticString(word)
    }

    /// The integer behind the first byte of a value, most significant byte first.
    private mutating func integer<Integer: FixedWidthInteger>(
        in bytes: Span<UInt8>, as type: Integer.Type = Integer.self
    ) throws(MessagePackInvalid) -> Integer {
        let size = Integer.bitWidth / 8
        guard bytes.count - self.index > size else { throw self.invalid(.unexpectedEnd) }
        var value: Integer = 0
        // Not shifted by its whole width, which an integer of one byte would be.
        for offset in 1...size {
            value = (size == 1 ? 0 : value << 8) | Integer(truncatingIfNeeded: bytes[self.index + offset])
        }
        self.index += 1 + size
        return value
    }

    private mutating func write(_ number: Double) throws(MessagePackInvalid) {
        guard number.isFinite else { throw self.invalid(.notFinite) }
        // The shortest digits that lead back to it, always with a fraction or an exponent.
        self.json.writeString(number.description)
    }

    // MARK: - Strings

    private mutating func readString(in bytes: Span<UInt8>) throws(MessagePackInvalid) {
        let start = self.index
        let count = try self.count(in: bytes)
        guard bytes.count - self.index >= count else { throw MessagePackInvalid(reason: .unexpectedEnd, offset: start) }
        let text = bytes.extracting(self.index..<self.index + count)
        do {
            _ = try UTF8Span(validating: text)
        } catch {
            throw MessagePackInvalid(reason: .notUTF8, offset: start)
        }
        self.json.writeJSONString(utf8: text)
        self.index += count
    }

    /// The bytes, elements or pairs that a value says it has.
    private mutating func count(in bytes: Span<UInt8>) throws(MessagePackInvalid) -> Int {
        let type = bytes[self.index]
        switch type {
        case 0xC4, 0xD9: return Int(try self.integer(in: bytes, as: UInt8.self))
        case 0xC5, 0xDA, 0xDC, 0xDE: return Int(try self.integer(in: bytes, as: UInt16.self))
        case 0xC6, 0xDB, 0xDD, 0xDF: return Int(try self.integer(in: bytes, as: UInt32.self))
        default:
            self.index += 1
            return Int(type & (type < 0xA0 ? 0x0F : 0x1F))
        }
    }

    // MARK: - Containers

    /// A count of elements is believed only as far as there are bytes for them, one at least for each.
    private mutating func open(
        _ bracket: UInt8, bytesEach: Int, in bytes: Span<UInt8>
    ) throws(MessagePackInvalid) -> Int {
        guard self.depth < JSONReader.nestingMax else { throw self.invalid(.tooDeep) }
        let start = self.index
        let count = try self.count(in: bytes)
        guard count <= (bytes.count - self.index) / bytesEach else {
            throw MessagePackInvalid(reason: .unexpectedEnd, offset: start)
        }
        self.depth += 1
        self.json.writeInteger(bracket)
        return count
    }

    private mutating func close(_ bracket: UInt8) {
        self.depth -= 1
        self.json.writeInteger(bracket)
    }

    private mutating func readArray(in bytes: Span<UInt8>) throws(MessagePackInvalid) {
        let count = try self.open(UInt8(ascii: "["), bytesEach: 1, in: bytes)
        for element in 0..<count {
            if element > 0 { self.json.writeStaticString(", ") }
            try self.read(in: bytes)
        }
        self.close(UInt8(ascii: "]"))
    }

    private mutating func readMap(in bytes: Span<UInt8>) throws(MessagePackInvalid) {
        let count = try self.open(UInt8(ascii: "{"), bytesEach: 2, in: bytes)
        for pair in 0..<count {
            if pair > 0 { self.json.writeStaticString(", ") }
            guard self.index < bytes.count else { throw self.invalid(.unexpectedEnd) }
            switch bytes[self.index] {
            case 0xA0...0xBF, 0xC4...0xC6, 0xD9...0xDB: try self.readString(in: bytes)
            default: throw self.invalid(.nameNotString)
            }
            self.json.writeStaticString(": ")
            try self.read(in: bytes)
        }
        self.close(UInt8(ascii: "}"))
    }
}
