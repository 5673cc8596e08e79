/// Keys for many purposes out of one (RFC 5869, with SHA-256).
package struct HKDF: Sendable {
    /// HMAC under the pseudorandom key: the extracting step, done once.
    private let expansion: KeyedMAC

    package init(secret: [UInt8], salt: [UInt8]) {
        // RFC 5869, 2.2: a salt left out is a string of zeros; HMAC pads an empty key to exactly that.
        self.expansion = KeyedMAC(hmacSHA256: KeyedMAC(hmacSHA256: salt).tag(secret))
    }

    /// Bytes that belong to one purpose.
    ///
    /// - Parameter count: 1 through 255 * 32.
    package func key(for info: [UInt8], bytes count: Int) -> [UInt8] {
        precondition((1...255 * 32).contains(count), "RFC 5869 expands to at most 255 blocks")
        var output: [UInt8] = []
        var block: [UInt8] = []
        var number: UInt8 = 1
        while output.count < count {
            block = self.expansion.tag(block + info + [number])
            output += block
            number &+= 1
        }
        return Array(output.prefix(count))
    }
}
