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
