package import Domain
package import HTTPClient

extension AddressClass {
    /// The class of an address, whatever the operator opened.
    ///
    /// What the kernel connects over IPv4 is of the class of that address.
    package init(_ address: IPAddress) {
        if Self.closed.permits(address) {
            self = .public
            return
        }
        var address = address
        if case .v6(let bits) = address, bits >> 32 == 0xffff { address = .v4(UInt32(truncatingIfNeeded: bits)) }
        self = Self.ranges.first { $0.range.contains(address) }?.class ?? .reserved
    }

    private static let closed = EgressPolicy()
    private static let ranges: [(range: AddressRange, class: AddressClass)] = [
        ("127.0.0.0/8", .loopback), ("::1", .loopback),
        ("10.0.0.0/8", .private), ("172.16.0.0/12", .private), ("192.168.0.0/16", .private),
        ("100.64.0.0/10", .private), ("fc00::/7", .private),
        ("169.254.0.0/16", .linkLocal), ("fe80::/10", .linkLocal),
        ("224.0.0.0/4", .multicast), ("ff00::/8", .multicast),
    ].compactMap { text, kind in AddressRange(text).map { ($0, kind) } }
}
