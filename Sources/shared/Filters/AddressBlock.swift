import Glibc

/// A block of IP addresses in CIDR notation (RFC 4632, RFC 4291).
///
/// Addresses of IPv4 and IPv6 are never in one block, also those of IPv4 that are written as of IPv6. Bits behind the length of the
/// prefix do not count.
struct AddressBlock: Sendable, Equatable {
    private let prefix: Address
    private let prefixBits: Int

    /// - Returns: nil when the text is not an address, a slash and a length of at most 32 or 128.
    init?(_ text: Span<UInt8>) {
        guard let slash = text.indices.last(where: { text[$0] == UInt8(ascii: "/") }) else { return nil }
        guard let prefix = Address(text.extracting(..<slash)) else { return nil }
        let digits = text.extracting((slash + 1)...)
        guard 1...3 ~= digits.count, digits.count == 1 || digits[0] != UInt8(ascii: "0") else { return nil }
        var bits = 0
        for index in digits.indices {
            let digit = digits[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            bits = bits * 10 + Int(digit)
        }
        guard bits <= (prefix.isIPv6 ? 128 : 32) else { return nil }
        self.prefix = prefix
        self.prefixBits = bits
    }

    func contains(_ address: Address) -> Bool {
        guard address.isIPv6 == self.prefix.isIPv6 else { return false }
        guard self.prefixBits > 0 else { return true }
        return (address.bits ^ self.prefix.bits) >> UInt128(128 - self.prefixBits) == 0
    }

    struct Address: Sendable, Equatable {
        let isIPv6: Bool
        /// Its first bit is the most significant one.
        let bits: UInt128

        init?(_ text: Span<UInt8>) {
            guard !text.isEmpty, text.count <= Self.textBytesMax else { return nil }
            var isIPv6 = false
            // A NUL inside would end the text early.
            for index in text.indices {
                if text[index] == 0 { return nil }
                if text[index] == UInt8(ascii: ":") { isIPv6 = true }
            }
            let octets = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Self.textBytesMax + 1) { copy in
                copy.initialize(repeating: 0)
                for index in text.indices { copy[index] = CChar(bitPattern: text[index]) }
                return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { octets -> UInt128? in
                    octets.initialize(repeating: 0)
                    guard inet_pton(isIPv6 ? AF_INET6 : AF_INET, copy.baseAddress, octets.baseAddress) == 1 else {
                        return nil
                    }
                    return octets.reduce(0) { $0 << 8 | UInt128($1) }
                }
            }
            guard let octets else { return nil }
            self.isIPv6 = isIPv6
            self.bits = octets
        }

        /// The longest text of an address: IPv6 with an IPv4 address at its end.
        private static let textBytesMax = 45
    }
}
