/// Where a subscription's notifications go.
package struct Subscriber: Hashable, Sendable {
    /// The kinds of address that can be subscribed.
    package enum Scheme: String, CaseIterable, Sendable {
        case http, https, mailto
        /// HTTP endpoints that are called with a token of the user who subscribed them, by a trust.
        case trustHTTP = "trust+http"
        case trustHTTPS = "trust+https"
        /// Of a session that subscribed for itself, see ``SessionSubscriber``.
        case websocket

        /// Those that callers may name.
        package static let named: [Scheme] = [.http, .https, .mailto, .trustHTTP, .trustHTTPS]

        /// Those that need a trust.
        package static let trusted: [Scheme] = [.trustHTTP, .trustHTTPS]

        package var isTrusted: Bool { Self.trusted.contains(self) }
    }

    package let scheme: Scheme
    /// The address exactly as the caller wrote it.
    package let uri: String

    /// Only the scheme is looked at: the module HTTPClient reads the rest of a URL.
    ///
    /// - Parameter schemes: The kinds that are taken; by default those that callers may name.
    /// - Throws: ``Refusal/subscriberSchemeUnsupported(supported:)``.
    package init(_ uri: String, of schemes: [Scheme] = Scheme.named) throws(Refusal) {
        guard let colon = uri.utf8.firstIndex(of: UInt8(ascii: ":")),
            let scheme = Scheme(rawValue: uri[..<colon].lowercased()), schemes.contains(scheme)
        else { throw .subscriberSchemeUnsupported(supported: schemes.map(\.rawValue)) }
        self.scheme = scheme
        self.uri = uri
    }

    /// A session that subscribes for itself.
    package init(_ session: SessionSubscriber) {
        self.scheme = .websocket
        self.uri = session.text
    }

    /// Reads the address of a subscription, which was checked when it was written.
    package init(stored uri: String) throws(Refusal) {
        try self.init(uri, of: Scheme.allCases)
    }

    package static func == (left: Self, right: Self) -> Bool { left.uri.hasSameBytes(as: right.uri) }
    package func hash(into hasher: inout Hasher) { self.uri.hashBytes(into: &hasher) }
}
