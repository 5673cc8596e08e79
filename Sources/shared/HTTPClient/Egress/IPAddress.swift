import Glibc

/// An address a socket can connect to, however it was spelled.
package enum IPAddress: Hashable, Sendable {
    case v4(UInt32)
    case v6(UInt128)

    /// Reads the canonical spellings only (`inet_pton`): the sloppy ones are the resolver's business, not a setting's.
    package init?(_ text: String) {
        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            self = .v4(UInt32(bigEndian: v4.s_addr))
        } else if inet_pton(AF_INET6, text, &v6) == 1 {
            self = .v6(UInt128(v6))
        } else {
            return nil
        }
    }

    /// The address of a socket about to be opened; nil for any family but IPv4 and IPv6.
    init?(_ address: UnsafePointer<sockaddr>) {
        let raw = UnsafeRawPointer(address)
        switch Int32(address.pointee.sa_family) {
        case AF_INET: self = .v4(UInt32(bigEndian: raw.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr))
        case AF_INET6: self = .v6(UInt128(raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr))
        default: return nil
        }
    }

    /// Bits in an address of this family.
    package var width: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }
}

extension UInt128 {
    fileprivate init(_ address: in6_addr) {
        self = withUnsafeBytes(of: address) { $0.reduce(0) { $0 << 8 | UInt128($1) } }
    }
}
