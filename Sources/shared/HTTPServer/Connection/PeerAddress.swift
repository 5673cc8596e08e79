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

/// The addresses that proxies name.
package enum ForwardedFor {
    /// Entries that are looked at, from the end of the list on.
    private static let entriesMax = 32

    /// The caller behind proxies: of the addresses in `X-Forwarded-For` the last one that is not a proxy itself, since only
    /// what proxies have appended can be believed.
    ///
    /// - Returns: nil where the header names none that can be read.
    static func caller(_ head: HTTPRequestHead, isProxy: (SocketAddress) -> Bool) -> SocketAddress? {
        let list = head.fields.filter { $0.name == "x-forwarded-for" }.map { head.value(of: $0) }.joined(separator: ",")
        return self.caller(in: Array(list.utf8), isProxy: isProxy)
    }

    /// The same of the value of the header.
    ///
    /// It is cut by bytes: a character that Unicode joins with the comma behind it must not hide the comma.
    package static func caller(in list: [UInt8], isProxy: (SocketAddress) -> Bool) -> SocketAddress? {
        var last: SocketAddress?
        for entry in list.split(separator: UInt8(ascii: ",")).suffix(self.entriesMax).reversed() {
            guard let address = self.address(entry) else { return last }
            last = address
            guard isProxy(address) else { return address }
        }
        return last
    }

    /// Reads `a.b.c.d`, `a.b.c.d:port`, an address of IPv6, or one in brackets with or without a port; nil for all else.
    private static func address(_ text: ArraySlice<UInt8>) -> SocketAddress? {
        let text = text.drop { Grammar.isBlank($0) }
        var host = text[..<(text.lastIndex { !Grammar.isBlank($0) }.map { $0 + 1 } ?? text.startIndex)]
        let colon = UInt8(ascii: ":")
        let isBracketed = host.first == UInt8(ascii: "[")
        var port = ArraySlice<UInt8>()
        if isBracketed {
            guard let end = host.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            port = host[(end + 1)...]
            host = host[(host.startIndex + 1)..<end]
        } else if host.count(where: { $0 == colon }) == 1, let start = host.firstIndex(of: colon) {
            port = host[start...]
            host = host[..<start]
        }
        let isPort =
            port.isEmpty
            || (port.first == colon && (2...6).contains(port.count)
                && port.dropFirst().allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        guard isPort, host.allSatisfy({ $0 < 0x80 }) else { return nil }
        // What is no address names no caller.
        let address = try? SocketAddress(ipAddress: String(decoding: host, as: UTF8.self), port: 0)
        guard let address, !isBracketed || address.protocol == .inet6 else { return nil }
        return address
    }
}
