import Foundation

/// A host and a port to listen on: `127.0.0.1:8888`, `[::1]:8888`, `localhost:0`.
///
/// Port 0 lets the kernel choose; the chosen one is in the log and in the ready file.
package struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    package let host: String
    package let port: Int
    /// A socket of the address that listens already, see `PassedSockets`; nil: one is to be made.
    package let descriptor: Int32?

    package init(host: String, port: Int, descriptor: Int32? = nil) {
        self.host = host
        self.port = port
        self.descriptor = descriptor
    }

    /// Reads `host:port`; an IPv6 address stands in brackets.
    ///
    /// Nil when it is anything else.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        let port = text[text.index(after: colon)...]
        if host.hasPrefix("[") && host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") }),
            port.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
            let number = UInt16(port)
        else { return nil }
        self.init(host: String(host), port: Int(number))
    }

    /// Whether only this machine reaches it; a name other than `localhost` may lead anywhere.
    package var isLoopback: Bool {
        var v4 = in_addr()
        if inet_pton(AF_INET, self.host, &v4) == 1 { return UInt32(bigEndian: v4.s_addr) >> 24 == 127 }
        var v6 = in6_addr()
        guard inet_pton(AF_INET6, self.host, &v6) == 1 else { return self.host.lowercased() == "localhost" }
        let bytes = withUnsafeBytes(of: v6) { Array($0) }
        let zeros = [UInt8](repeating: 0, count: 10)
        return bytes == zeros + [0, 0, 0, 0, 0, 1] || bytes.starts(with: zeros + [0xff, 0xff, 127])
    }

    package var description: String {
        self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }
}
