package import NIOCore

/// One command and its arguments, encoded while it is built.
///
/// ```swift
/// var command = RedisCommand("HSET", arguments: 3)
/// command.append(RedisKey("a-key"))
/// command.append("field")
/// command.append(42)
/// ```
package struct RedisCommand: Sendable {
    var encoded = EncodedCommand()

    /// - Parameters:
    ///   - route: Of a command without keys, and of one that names keys of several slots on purpose.
    ///   - arguments: How many arguments follow, if known: it spares the buffer from growing in steps.
    package init(_ name: StaticString, route: RedisRoute = .anyNode, arguments: Int? = nil) {
        self.encoded.route = route
        self.encoded.arguments.reserveCapacity(bytesPerArgument * (1 + (arguments ?? 3)))
        self.encoded.append(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    }

    /// A command of words, for tests and tools: none of them is taken for a key.
    package init(_ name: String, _ words: some Sequence<String>) {
        self.encoded.append(name)
        for word in words { self.encoded.append(word) }
    }

    /// Which node of a cluster it has to be sent to.
    package var route: RedisRoute { self.encoded.route }

    /// Appends a key, by whose slot the command is routed.
    package mutating func append(_ key: RedisKey) { self.encoded.append(key) }
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
