package import NIOCore

/// Writes a JSON document into one buffer.
///
/// Brackets, commas, colons, quotes and escapes are written here and nowhere else. An object takes members only, an array
/// elements only, and each is closed when the closure that fills it returns, so a caller cannot leave one out.
///
/// ```swift
/// let body = JSONWriter.object { object in
///     object.member("name", queue.text)
///     object.array("links") { links in
///         links.object { $0.member("rel", "next") }
///     }
/// }
/// // {"name":"fake_queue","links":[{"rel":"next"}]}
/// ```
///
/// Members keep the order in which they are written. Two of one name are not noticed.
package enum JSONWriter {
    /// A document that is one object.
    ///
    /// - Parameter capacity: Bytes the buffer has at first; it grows.
    package static func object(capacity: Int = 256, _ fill: (inout JSONObjectWriter) -> Void) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: capacity)
        withUnsafeMutablePointer(to: &buffer) { JSONObjectWriter.write(to: $0, fill) }
        return buffer
    }

    /// A text as a JSON string, quotes included.
    package static func string(_ text: String) -> String {
        var buffer = ByteBuffer()
        buffer.writeJSONValue(text)
        return String(buffer: buffer)
    }
}

/// Writes the members of one object.
///
/// Names are literals of the program and are copied as they are, without a look at escapes; a name that comes from
/// elsewhere goes through the functions that say `named:`.
package struct JSONObjectWriter: ~Copyable {
    // Valid as long as the closure runs that was given this writer: it is made for it, and cannot be copied out of it.
    private let output: UnsafeMutablePointer<ByteBuffer>
    private var isEmpty = true

    private init(_ output: UnsafeMutablePointer<ByteBuffer>) {
        self.output = output
    }

    fileprivate static func write(
        to output: UnsafeMutablePointer<ByteBuffer>, _ fill: (inout JSONObjectWriter) -> Void
    ) {
        output.pointee.writeInteger(UInt8(ascii: "{"))
        var object = JSONObjectWriter(output)
        fill(&object)
        output.pointee.writeInteger(UInt8(ascii: "}"))
    }

    // MARK: - Values

    /// A string; `null` for nil.
    package mutating func member(_ name: StaticString, _ text: String?) {
        self.write(name)
        self.output.pointee.writeJSONValue(text)
    }

    package mutating func member(named name: String, _ text: String?) {
        self.write(named: name)
        self.output.pointee.writeJSONValue(text)
    }

    /// A number; `null` for nil.
    package mutating func member(_ name: StaticString, _ number: Int?) {
        self.write(name)
        self.output.pointee.writeJSONValue(number)
    }

    package mutating func member(named name: String, _ number: Int?) {
        self.write(named: name)
        self.output.pointee.writeJSONValue(number)
    }

    /// A number; `null` for nil, and for one that JSON has no digits for.
    package mutating func member(_ name: StaticString, _ number: Double?) {
        self.write(name)
        if let number, number.isFinite {
            self.output.pointee.writeString("\(number)")
        } else {
            self.output.pointee.writeStaticString("null")
        }
    }

    /// `true` or `false`; `null` for nil.
    package mutating func member(_ name: StaticString, _ boolean: Bool?) {
        self.write(name)
        self.output.pointee.writeJSONValue(boolean)
    }

    package mutating func member(named name: String, _ boolean: Bool?) {
        self.write(named: name)
        self.output.pointee.writeJSONValue(boolean)
    }

    /// A value that is JSON already and has been read by ``JSONReader``: it is copied byte for byte.
    package mutating func member(_ name: StaticString, verbatim json: ArraySlice<UInt8>) {
        self.write(name)
        self.output.pointee.writeVerbatim(json)
    }

    package mutating func member(_ name: StaticString, verbatim json: ByteBuffer) {
        self.write(name)
        self.output.pointee.writeImmutableBuffer(json)
    }

    package mutating func member(named name: String, verbatim json: ArraySlice<UInt8>) {
        self.write(named: name)
        self.output.pointee.writeVerbatim(json)
    }

    package mutating func null(_ name: StaticString) {
        self.write(name)
        self.output.pointee.writeStaticString("null")
    }

    /// A string put together from pieces.
    package mutating func text(_ name: StaticString, _ fill: (inout JSONStringWriter) -> Void) {
        self.write(name)
        JSONStringWriter.write(to: self.output, fill)
    }

    // MARK: - Containers

    package mutating func object(_ name: StaticString, _ fill: (inout JSONObjectWriter) -> Void) {
        self.write(name)
        JSONObjectWriter.write(to: self.output, fill)
    }

    package mutating func object(named name: String, _ fill: (inout JSONObjectWriter) -> Void) {
        self.write(named: name)
        JSONObjectWriter.write(to: self.output, fill)
    }

    package mutating func array(_ name: StaticString, _ fill: (inout JSONArrayWriter) -> Void) {
        self.write(name)
        JSONArrayWriter.write(to: self.output, fill)
    }

    package mutating func array(named name: String, _ fill: (inout JSONArrayWriter) -> Void) {
        self.write(named: name)
        JSONArrayWriter.write(to: self.output, fill)
    }

    /// An array of strings.
    package mutating func member(_ name: StaticString, _ texts: [String]) {
        self.array(name) { array in
            for text in texts { array.element(text) }
        }
    }

    // MARK: - Names

    /// Writes `,"name":` in one copy; without the comma in front of the first member.
    private mutating func write(_ name: StaticString) {
        let isFirst = self.isEmpty
        self.isEmpty = false
        let count = name.utf8CodeUnitCount
        _ = self.output.pointee.writeWithUnsafeMutableBytes(minimumWritableBytes: count + 4) { bytes in
            var index = 0
            if !isFirst {
                bytes[0] = UInt8(ascii: ",")
                index = 1
            }
            bytes[index] = UInt8(ascii: "\"")
            index += 1
            let text = UnsafeRawBufferPointer(start: name.utf8Start, count: count)
            UnsafeMutableRawBufferPointer(rebasing: bytes[index...]).copyMemory(from: text)
            index += count
            bytes[index] = UInt8(ascii: "\"")
            bytes[index + 1] = UInt8(ascii: ":")
            return index + 2
        }
    }

    private mutating func write(named name: String) {
        if !self.isEmpty { self.output.pointee.writeInteger(UInt8(ascii: ",")) }
        self.isEmpty = false
        self.output.pointee.writeJSONValue(name)
        self.output.pointee.writeInteger(UInt8(ascii: ":"))
    }
}

/// Writes the elements of one array.
package struct JSONArrayWriter: ~Copyable {
    // As in JSONObjectWriter.
    private let output: UnsafeMutablePointer<ByteBuffer>
    private var isEmpty = true

    private init(_ output: UnsafeMutablePointer<ByteBuffer>) {
        self.output = output
    }

    fileprivate static func write(
        to output: UnsafeMutablePointer<ByteBuffer>, _ fill: (inout JSONArrayWriter) -> Void
    ) {
        output.pointee.writeInteger(UInt8(ascii: "["))
        var array = JSONArrayWriter(output)
        fill(&array)
        output.pointee.writeInteger(UInt8(ascii: "]"))
    }

    package mutating func element(_ text: String) {
        self.separate()
        self.output.pointee.writeJSONValue(text)
    }

    package mutating func element(_ number: Int) {
        self.separate()
        self.output.pointee.writeJSONValue(number)
    }

    /// A string put together from pieces.
    package mutating func text(_ fill: (inout JSONStringWriter) -> Void) {
        self.separate()
        JSONStringWriter.write(to: self.output, fill)
    }

    package mutating func object(_ fill: (inout JSONObjectWriter) -> Void) {
        self.separate()
        JSONObjectWriter.write(to: self.output, fill)
    }

    package mutating func array(_ fill: (inout JSONArrayWriter) -> Void) {
        self.separate()
        JSONArrayWriter.write(to: self.output, fill)
    }

    private mutating func separate() {
        if !self.isEmpty { self.output.pointee.writeInteger(UInt8(ascii: ",")) }
        self.isEmpty = false
    }
}

/// Writes the pieces of one string, each escaped.
package struct JSONStringWriter: ~Copyable {
    // As in JSONObjectWriter.
    private let output: UnsafeMutablePointer<ByteBuffer>

    fileprivate static func write(
        to output: UnsafeMutablePointer<ByteBuffer>, _ fill: (inout JSONStringWriter) -> Void
    ) {
        output.pointee.writeInteger(UInt8(ascii: "\""))
        var text = JSONStringWriter(output: output)
        fill(&text)
        output.pointee.writeInteger(UInt8(ascii: "\""))
    }

    package mutating func append(_ text: String) {
        self.output.pointee.writeEscaped(text)
    }
}

// MARK: - Single values

extension ByteBuffer {
    fileprivate mutating func writeJSONValue(_ text: String?) {
        guard let text else {
            self.writeStaticString("null")
            return
        }
        self.writeInteger(UInt8(ascii: "\""))
        self.writeEscaped(text)
        self.writeInteger(UInt8(ascii: "\""))
    }

    fileprivate mutating func writeJSONValue(_ number: Int?) {
        if let number { self.writeDecimal(number) } else { self.writeStaticString("null") }
    }

    fileprivate mutating func writeJSONValue(_ boolean: Bool?) {
        switch boolean {
        case .some(let boolean): self.writeStaticString(boolean ? "true" : "false")
        case nil: self.writeStaticString("null")
        }
    }

    /// No bytes are no value, and nothing that was read as JSON has none: `null` stands for them.
    fileprivate mutating func writeVerbatim(_ json: ArraySlice<UInt8>) {
        if json.isEmpty { self.writeStaticString("null") } else { self.writeBytes(json) }
    }

    /// Appends a string, quotes included.
    ///
    /// - Parameter text: Has to be UTF-8.
    package mutating func writeJSONString(utf8 text: Span<UInt8>) {
        self.writeInteger(UInt8(ascii: "\""))
        text.withUnsafeBufferPointer { self.writeEscaped($0) }
        self.writeInteger(UInt8(ascii: "\""))
    }

    /// Appends the inside of a string: control characters, quotes and backslashes escaped, beyond ASCII as UTF-8.
    fileprivate mutating func writeEscaped(_ text: String) {
        var text = text
        text.withUTF8 { self.writeEscaped($0) }
    }

    private mutating func writeEscaped(_ bytes: UnsafeBufferPointer<UInt8>) {
        var start = 0
        for index in bytes.indices where Self.takesEscape(bytes[index]) {
            self.writeBytes(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[start..<index])))
            self.writeEscape(of: bytes[index])
            start = index + 1
        }
        self.writeBytes(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[start...])))
    }

    private static func takesEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func writeEscape(of byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): self.writeStaticString("\\\"")
        case UInt8(ascii: "\\"): self.writeStaticString("\\\\")
        case 0x0A: self.writeStaticString("\\n")
        case 0x0D: self.writeStaticString("\\r")
        case 0x09: self.writeStaticString("\\t")
        default:
            let digits: StaticString = "0123456789abcdef"
            self.writeStaticString("\\u00")
            self.writeInteger(digits.utf8Start[Int(byte >> 4)])
            self.writeInteger(digits.utf8Start[Int(byte & 15)])
        }
    }

    /// Appends a number in decimal, without a string in between.
    private mutating func writeDecimal(_ number: Int) {
        var magnitude = number.magnitude
        var count = number < 0 ? 2 : 1
        var rest = magnitude / 10
        while rest > 0 {
            count += 1
            rest /= 10
        }
        let length = count
        _ = self.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { bytes in
            if number < 0 { bytes[0] = UInt8(ascii: "-") }
            for index in stride(from: length - 1, through: number < 0 ? 1 : 0, by: -1) {
                bytes[index] = UInt8(ascii: "0") + UInt8(magnitude % 10)
                magnitude /= 10
            }
            return length
        }
    }
}
