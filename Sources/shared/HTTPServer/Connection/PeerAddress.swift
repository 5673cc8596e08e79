package import NIOCore

/// The address a caller is known by, for the bounds of one address.
///
/// Of IPv6 it is the network of 64 bits: that is what one caller is given, and it may use every address in it.
package struct PeerAddress: Sendable, Hashable {
    private let bytes: [UInt8]

    /// Nil for a socket without an address of IP.
    package init?(_ address: SocketAddress) {
        let isIPv6: Bool
        switch address {
        case .v4: isIPv6 = false
        case .v6: isIPv6 = true
        case .unixDomainSocket: return nil
        }
        // sockaddr_in: family, port, 4 bytes; sockaddr_in6: family, port, flow, 16 bytes.
        let bytes = address.withSockAddr { start, length in
            Array(UnsafeRawBufferPointer(start: start, count: length)[isIPv6 ? 8..<24 : 4..<8])
        }
        // `::ffff:a.b.c.d` is a caller of IPv4 on a socket of IPv6.
        let isMapped = isIPv6 && bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        self.bytes = isMapped ? Array(bytes[12...]) : Array(bytes.prefix(8))
    }
}

/// For whom proxies speak.
enum ForwardedFor {
    /// Entries that are looked at, from the end of the list on.
    private static let entriesMax = 32

    /// The caller behind proxies: of the addresses in `X-Forwarded-For` the last one that is not a proxy itself, since only
    /// what proxies have appended can be believed.
    ///
    /// - Returns: nil where the header names none that can be read.
    static func caller(_ head: HTTPRequestHead, isProxy: (SocketAddress) -> Bool) -> SocketAddress? {
        let list = head.fields.filter { $0.name == "x-forwarded-for" }.map { head.value(of: $0) }.joined(separator: ",")
        var last: SocketAddress?
        for entry in list.split(separator: ",").suffix(self.entriesMax).reversed() {
            guard let address = self.address(entry.filter { $0 != " " && $0 != "\t" }) else { return last }
            last = address
            guard isProxy(address) else { return address }
        }
        return last
    }

    /// Reads an address, also with a port, and of IPv6 in brackets.
    private static func address(_ text: String) -> SocketAddress? {
        var host = text[...]
        if host.first == "[" {
            guard let end = host.firstIndex(of: "]") else { return nil }
            host = host.dropFirst()[..<end]
        } else if host.utf8.count(where: { $0 == UInt8(ascii: ":") }) == 1 {
            host = host.prefix { $0 != ":" }
        }
        // What is no address is no caller.
        return try? SocketAddress(ipAddress: String(host), port: 0)
    }
}
