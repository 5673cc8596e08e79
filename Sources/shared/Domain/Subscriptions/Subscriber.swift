/// Where a subscription's notifications go.
package struct Subscriber: Hashable, Sendable {
    /// The kinds of address that can be subscribed.
    package enum Scheme: String, CaseIterable, Sendable {
        case http, https, mailto
    }

    package let scheme: Scheme
    /// The address exactly as the caller wrote it.
    package let uri: String

    /// Only the scheme is looked at: whether the address can be reached, and may be, is decided when a delivery connects
    /// (contract S-26).
    ///
    /// - Throws: ``Refusal/subscriberSchemeUnsupported(supported:)``.
    package init(_ uri: String) throws(Refusal) {
        guard let colon = uri.utf8.firstIndex(of: UInt8(ascii: ":")),
            let scheme = Scheme(rawValue: uri[..<colon].lowercased())
        else { throw .subscriberSchemeUnsupported(supported: Scheme.allCases.map(\.rawValue)) }
        self.scheme = scheme
        self.uri = uri
    }
}
