package import NIOCore

/// One run of a script with its keys and arguments.
package struct ScriptCall: Sendable {
    package let script: RedisScript
    private var encoded = EncodedCommand()
    /// In the order in which the script takes them.
    package let keys: [RedisKey]

    /// Behind the keys stands one that never exists, of the hash tag of the first: while a slot with it moves between nodes
    /// of a Redis Cluster, both refuse a script with an absent key before it has done anything, and so also one that names
    /// keys that were read, or empties one and asks for it again (docs/redis.md, "Slot migration").
    package init(_ script: RedisScript, keys: [RedisKey]) {
        self.script = script
        self.encoded.arguments.reserveCapacity(bytesMin)
        let tag = keys.first.flatMap { key in key.text.utf8.firstIndex(of: UInt8(ascii: "}")).map { key.text[...$0] } }
        self.encoded.append(Int64(keys.count + (tag == nil ? 0 : 1)))
        for key in keys { self.encoded.append(key) }
        if let tag { self.encoded.append(tag + ":absent") }
        self.keys = keys
    }

    /// A key in the slot of the call's, which is written behind it where its reach is waited for (``AwaitedWrites``).
    var markKey: String {
        let key = self.keys.first?.text ?? ""
        return (key.firstIndex(of: "}").map { String(key[...$0]) } ?? "{\(key)}") + ":written"
    }

    /// Which node of a cluster it has to be sent to.
    package var route: RedisRoute { self.encoded.route }

    package mutating func append(_ text: String) { self.encoded.append(text) }
    package mutating func append(_ number: Int64) { self.encoded.append(number) }
    package mutating func append(_ number: Int) { self.encoded.append(Int64(number)) }
    package mutating func append(_ bytes: [UInt8]) { self.encoded.append(bytes) }
    package mutating func append(_ bytes: ArraySlice<UInt8>) { self.encoded.append(bytes) }
    /// Appends the readable bytes.
    package mutating func append(_ buffer: ByteBuffer) { self.encoded.append(buffer) }

    /// The call by hash, for a Redis that knows the script.
    var byHash: EncodedCommand { self.called(by: self.script.prefix) }

    /// The call with the source of the script in it, for a Redis that lost it.
    var bySource: EncodedCommand {
        var prefix = EncodedCommand()
        prefix.append("EVAL")
        prefix.append(self.script.source)
        return self.called(by: prefix)
    }

    private func called(by prefix: EncodedCommand) -> EncodedCommand {
        var call = self.encoded
        call.prefix = prefix.arguments
        call.argumentCount += prefix.argumentCount
        return call
    }
}

/// Enough for the keys and a few arguments before the buffer grows.
private let bytesMin = 256
