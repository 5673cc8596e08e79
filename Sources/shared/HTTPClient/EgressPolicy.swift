import Glibc

/// Which addresses may be called on behalf of tenants.
///
/// It judges the address a socket is about to connect to, after every name, redirect of a resolver and spelling has been
/// resolved, so there is nothing to trick by writing an address differently. Everything that is not public by the IANA
/// special-purpose registries is refused, unless the operator opened it.
package struct EgressPolicy: Sendable, Equatable {
    /// What the operator opened; it wins over every refusal.
    package let opened: [AddressRange]

    package init(opened: [AddressRange] = []) {
        self.opened = opened
    }

    package func permits(_ address: IPAddress) -> Bool {
        switch address {
        case .v4: self.isOpened(address) || !Self.refusedV4.contains { $0.contains(address) }
        case .v6(let bits): self.permits(v6: bits)
        }
    }

    private func permits(v6 bits: UInt128) -> Bool {
        let address = IPAddress.v6(bits)
        // The kernel connects a mapped address over IPv4: it *is* the inner address, for what is opened as well.
        if Self.mapped.contains(address) { return self.permits(Self.inner(bits, shift: 0)) }
        if self.isOpened(address) { return true }
        if bits <= 1 { return false }  // `::` and `::1`, which are no compatible form of 0.0.0.0 and 0.0.0.1
        for form in Self.tunnels where form.range.contains(address) {
            return form.inner(bits).allSatisfy { self.permits($0) }
        }
        return Self.globalUnicast.contains(address) && !Self.refusedV6.contains { $0.contains(address) }
    }

    private func isOpened(_ address: IPAddress) -> Bool {
        self.opened.contains { $0.contains(address) }
    }

    // MARK: The registries

    /// Not public (IANA IPv4 Special-Purpose Address Registry; the last line is a cloud's metadata service).
    private static let refusedV4 = ranges(
        "0.0.0.0/8",  // this network: Linux connects 0.0.0.0 to itself
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  // private, RFC 1918
        "100.64.0.0/10",  // carrier NAT, RFC 6598
        "127.0.0.0/8",  // loopback
        "169.254.0.0/16",  // link-local, the usual metadata services among them
        "192.0.0.0/24",  // IETF protocol assignments
        "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",  // documentation
        "192.88.99.0/24",  // 6to4 relays, deprecated
        "198.18.0.0/15",  // benchmarking
        "224.0.0.0/4",  // multicast
        "240.0.0.0/4",  // reserved, and the broadcast address
        "168.63.129.16"  // Azure's inside, at an address that looks public
    )

    /// All that has been given out for public use.
    ///
    /// What lies outside is refused, now and when new blocks are invented: `fe80::/10`, `fec0::/10`, `fc00::/7`,
    /// `ff00::/8`, `100::/64`, `5f00::/16`, `64:ff9b:1::/48` and the rest.
    private static let globalUnicast = range("2000::/3")

    /// Inside of that, not public (IANA IPv6 Special-Purpose Address Registry).
    private static let refusedV6 = ranges(
        "2001::/23",  // IETF protocol assignments: ORCHID, benchmarking, Teredo's neighbours
        "2001:db8::/32", "3fff::/20"  // documentation
    )

    private static let mapped = range("::ffff:0:0/96")

    /// Forms that carry an IPv4 address somewhere a gateway may send the packet: judged by what they carry.
    private static let tunnels: [(range: AddressRange, inner: @Sendable (UInt128) -> [IPAddress])] = [
        (range("::/96"), { [inner($0, shift: 0)] }),  // IPv4-compatible, RFC 4291
        (range("64:ff9b::/96"), { [inner($0, shift: 0)] }),  // NAT64, RFC 6052
        (range("2002::/16"), { [inner($0, shift: 80)] }),  // 6to4, RFC 3056
        (range("2001::/32"), { [inner($0, shift: 64), inner(~$0, shift: 0)] }),  // Teredo: server, client (RFC 4380)
    ]

    private static func inner(_ bits: UInt128, shift: UInt128) -> IPAddress {
        .v4(UInt32(truncatingIfNeeded: bits >> shift))
    }

    private static func ranges(_ texts: String...) -> [AddressRange] { texts.map(self.range) }

    private static func range(_ text: String) -> AddressRange {
        guard let range = AddressRange(text) else { preconditionFailure("\(text) is not a range") }
        return range
    }
}

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

/// A block of addresses in CIDR notation; a bare address is a block of one.
package struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    package let base: IPAddress
    /// Leading bits that must agree: 0...32 or 0...128.
    package let prefixLength: Int
    package let description: String

    /// Reads `10.0.0.0/8`, `fd00::/8`, `192.0.2.1`.
    ///
    /// Nil when it is not one, or when bits behind the prefix are set: such a block says something else than its writer
    /// meant.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let base = IPAddress(String(first)) else { return nil }
        var length = base.width
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let number = Int(parts[1]), number <= base.width
            else { return nil }
            length = number
        }
        self.base = base
        self.prefixLength = length
        self.description = text
        guard Self.masked(base, to: length) == base else { return nil }
    }

    package func contains(_ address: IPAddress) -> Bool {
        Self.masked(address, to: self.prefixLength, family: self.base) == self.base
    }

    /// The address with everything behind the prefix cleared; nil when it is not of the family.
    private static func masked(_ address: IPAddress, to length: Int, family: IPAddress) -> IPAddress? {
        address.width == family.width ? self.masked(address, to: length) : nil
    }

    private static func masked(_ address: IPAddress, to length: Int) -> IPAddress {
        switch address {
        case .v4(let bits): .v4(length == 0 ? 0 : bits & (UInt32.max << UInt32(32 - length)))
        case .v6(let bits): .v6(length == 0 ? 0 : bits & (UInt128.max << UInt128(128 - length)))
        }
    }
}
