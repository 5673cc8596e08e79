package import NIOCore

/// One command and its arguments, encoded while it is built.
///
/// ```swift
/// var command = RedisCommand("HSET", arguments: 3)
/// command.append("a-key")
/// command.append("field")
/// command.append(42)
/// ```
package struct RedisCommand: Sendable {
    var encoded = EncodedCommand()

    /// - Parameter arguments: How many arguments follow, if known: it spares the buffer from growing in steps.
    package init(_ name: StaticString, arguments: Int? = nil) {
        self.encoded.arguments.reserveCapacity(bytesPerArgument * (1 + (arguments ?? 3)))
        self.encoded.append(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    /// A command of words, for tests and tools.
    package init(_ name: String, _ words: some Sequence<String>) {
        self.encoded.append(name)
        for word in words { self.encoded.append(word) }
    }

    package mutating func append(_ text: String) { self.encoded.append(text) }
    package mutating func append(_ number: Int64) { self.encoded.append(number) }
    package mutating func append(_ number: Int) { self.encoded.append(Int64(number)) }
    package mutating func append(_ bytes: [UInt8]) { self.encoded.append(bytes) }
    package mutating func append(_ bytes: ArraySlice<UInt8>) { self.encoded.append(bytes) }
    /// Appends the readable bytes.
    package mutating func append(_ buffer: ByteBuffer) { self.encoded.append(buffer) }
}

/// A guess that fits keys, ids and numbers; longer arguments make the buffer grow, once or twice.
private let bytesPerArgument = 40
