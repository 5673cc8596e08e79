internal import Cryptography
internal import NIOCore

/// A Lua script, known to Redis by the SHA-1 of its source (`SCRIPT LOAD`).
///
/// Make one per script and keep it: the hash is computed once, here.
package struct RedisScript: Sendable {
    /// Behind one reference, for every call carries its script along.
    private final class Contents: Sendable {
        let name: String
        let source: [UInt8]
        let sha1: String
        let prefix: EncodedCommand

        init(name: String, source: [UInt8]) {
            self.name = name
            self.source = source
            self.sha1 = Hexadecimal.encode(SHA1.digest(source))
            var prefix = EncodedCommand()
            prefix.append("EVALSHA")
            prefix.append(self.sha1)
            self.prefix = prefix
        }
    }

    private let contents: Contents

    package init(name: StaticString, source: [UInt8]) {
        self.contents = Contents(name: name.description, source: source)
    }

    /// The name of its file, for logs.
    package var name: String { self.contents.name }
    package var source: [UInt8] { self.contents.source }
    /// 40 hexadecimal digits.
    package var sha1: String { self.contents.sha1 }
    /// The first arguments of every call: `EVALSHA` and the hash.
    var prefix: EncodedCommand { self.contents.prefix }
}
