import Glibc

/// One spelling for each host.
enum CanonicalHost {
    /// - Parameter host: As libcurl gives it: percent-decoded, IPv6 addresses in brackets.
    static func text(of host: String) -> String {
        let lowered = host.lowercased()
        if lowered.first == "[", lowered.last == "]" { return Self.address(String(lowered.dropFirst().dropLast())) }
        // The full stop says that the name is absolute (RFC 1034, 3.1); it leads to the same server.
        let name = lowered.hasSuffix(".") ? String(lowered.dropLast()) : lowered
        // The resolver reads numbers as addresses, also those that libcurl does not: `0x7f%30%30%30%30%30%31`.
        var bits = in_addr()
        guard inet_aton(name, &bits) != 0 else { return name }
        return withUnsafeBytes(of: bits) { $0.map(String.init).joined(separator: ".") }
    }

    /// - Parameter host: In the spelling that ``text(of:)`` gives.
    static func isAddress(_ host: String) -> Bool {
        var bits = in_addr()
        return host.first == "[" || inet_pton(AF_INET, host, &bits) == 1
    }

    /// An IPv6 address in brackets (RFC 5952); one that carries an IPv4 address is that address, as it is to the kernel.
    private static func address(_ text: String) -> String {
        var bits = in6_addr()
        guard inet_pton(AF_INET6, text, &bits) == 1 else { return "[\(text)]" }
        let bytes = withUnsafeBytes(of: bits) { Array($0) }
        if bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]) {
            return bytes.suffix(4).map(String.init).joined(separator: ".")
        }
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(AF_INET6, &bits, &buffer, socklen_t(INET6_ADDRSTRLEN)) != nil else { return "[\(text)]" }
        return "[\(String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))]"
    }
}
