/// The host and port of a URL that libcurl cannot connect to without being given addresses.
package struct HostName: Hashable, Sendable {
    /// In lower case, without a final full stop; or an IPv4 address, when ``isAddress``.
    package let name: String
    /// `host:port` as libcurl looks for it among the addresses it was given: to libcurl a name with the final full stop is
    /// another one.
    package let key: String
    /// Whether ``name`` is an address, which libcurl does not read in the spelling of the URL.
    package let isAddress: Bool

    /// - Parameters:
    ///   - host: As libcurl has it: percent-decoded.
    ///   - canonical: The same in the spelling of ``HTTPURL/origin``.
    /// - Returns: nil for an address that libcurl reads itself.
    init?(host: String, canonical: String, port: String) {
        guard !CanonicalHost.isAddress(host) else { return nil }
        self.name = canonical
        self.key = "\(host.lowercased()):\(port)"
        self.isAddress = CanonicalHost.isAddress(canonical)
    }
}
