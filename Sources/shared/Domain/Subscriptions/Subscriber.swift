/// Where a subscription's notifications go.
package struct Subscriber: Hashable, Sendable {
    /// The kinds of address that can be subscribed.
    package enum Scheme: String, CaseIterable, Sendable {
        case http, https, mailto
    }

    package let scheme: Scheme
    /// The address exactly as the caller wrote it.
    package let uri: String

    /// Only the scheme is looked at: the module HTTPClient reads the rest of a URL.
    ///
    /// - Parameter schemes: The kinds that are taken.
    /// - Throws: ``Refusal/subscriberSchemeUnsupported(supported:)``.
    package init(_ uri: String, of schemes: [Scheme] = Scheme.allCases) throws(Refusal) {
        guard let colon = uri.utf8.firstIndex(of: UInt8(ascii: ":")),
            let scheme = Scheme(rawValue: uri[..<colon].lowercased()), schemes.contains(scheme)
        else { throw .subscriberSchemeUnsupported(supported: schemes.map(\.rawValue)) }
        self.scheme = scheme
        self.uri = uri
    }

    package static func == (left: Self, right: Self) -> Bool { left.uri.hasSameBytes(as: right.uri) }
    package func hash(into hasher: inout Hasher) { self.uri.hashBytes(into: &hasher) }
}
