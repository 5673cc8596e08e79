import NIOCore

extension SocketAddress {
    /// The address of IP without its port, one of IPv4 on a socket of IPv6 as one of IPv4; nil for a socket without one.
    var text: String? {
        guard let text = self.ipAddress else { return nil }
        let mapped = "::ffff:"
        return text.hasPrefix(mapped) && text.contains(".") ? String(text.dropFirst(mapped.count)) : text
    }
}
