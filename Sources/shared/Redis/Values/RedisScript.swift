internal import COpenSSL
internal import NIOCore

/// A Lua script, known to Redis by the SHA-1 of its source.
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
            self.sha1 = hexadecimalSHA1(of: source)
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

/// The hash Redis itself uses to name scripts (`SCRIPT LOAD`); it guards nothing.
private func hexadecimalSHA1(of bytes: [UInt8]) -> String {
    var digest = [UInt8](repeating: 0, count: 20)
    var length = digest.count
    let done = EVP_Q_digest(nil, "SHA1", nil, bytes, bytes.count, &digest, &length)
    precondition(done == 1 && length == digest.count, "libcrypto has no SHA-1, which Redis needs to name scripts")
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
