import HTTPClient
import NIOCore
package import Settings

/// The proxies whose PROXY header and `X-Forwarded-For` are believed.
package struct TrustedProxies: Sendable {
    private let ranges: [AddressRange]

    package init() {
        self.ranges = []
    }

    /// - Throws: ``SettingError`` for what is no address range.
    package init(_ settings: SettingReader) throws(SettingError) {
        var ranges: [AddressRange] = []
        for text in settings.list(Setting.apiProxies) {
            guard let range = AddressRange(text) else { throw settings.invalid(Setting.apiProxies, value: text) }
            ranges.append(range)
        }
        self.ranges = ranges
    }

    func contains(_ address: SocketAddress) -> Bool {
        guard !self.ranges.isEmpty, let address = address.text.flatMap(IPAddress.init) else { return false }
        return self.ranges.contains { $0.contains(address) }
    }
}
