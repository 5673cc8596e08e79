import CCurl

/// An `http` or `https` URL as libcurl reads it.
///
/// The same parser decides what may be subscribed, what is connected to and which limits apply, so that two spellings
/// of one host are one host everywhere.
package struct HTTPURL: Hashable, Sendable {
    /// The URL as it was written, without a `trust+` in front; what libcurl is given.
    package let text: String
    /// `scheme://host:port`, the same for every spelling: in lower case, with the default port written out, addresses in
    /// their canonical form, without user information and the trailing full stop of a name.
    package let origin: String
    /// What has to be looked up before it is connected to; nil: its host is an address.
    package let hostName: HostName?

    /// The longest URL that is read, in bytes of UTF-8; HTTP servers take request lines of about 8,000 (RFC 9112, 3).
    package static let bytesMax = 8192
    /// The longest host name, in bytes (RFC 1035, 2.3.4).
    static let hostBytesMax = 253
    /// The origin that stands for every text that is not a URL.
    package static let unreadableOrigin = "unreadable"

    /// - Throws: ``HTTPURLInvalid``, which says what is wrong with it.
    package init(_ text: String) throws(HTTPURLInvalid) {
        let text = Self.withoutTrust(text)
        guard text.utf8.count <= Self.bytesMax else { throw .tooLong }
        guard !Self.holdsBlank(text) else { throw .blank }
        guard let parts = URLParts() else { throw .malformed }
        try parts.read(text)
        guard let scheme = parts.get(CURLUPART_SCHEME)?.lowercased(), scheme == "http" || scheme == "https" else {
            throw .scheme
        }
        // libcurl takes the first segment of the path for the host where there is none (RFC 3986, 3.2).
        guard !Self.hasEmptyAuthority(text), let name = parts.get(CURLUPART_HOST) else { throw .noHost }
        guard name.utf8.allSatisfy({ $0 < 0x80 }) else { throw .hostNotASCII }
        let host = CanonicalHost.text(of: name)
        guard !host.isEmpty else { throw .noHost }
        guard !host.hasSuffix(".") else { throw .host }
        guard host.utf8.count <= Self.hostBytesMax else { throw .hostTooLong }
        guard let port = parts.get(CURLUPART_PORT, flags: UInt32(CURLU_DEFAULT_PORT)), port != "0" else { throw .port }
        self.text = text
        self.origin = "\(scheme)://\(host):\(port)"
        self.hostName = HostName(host: name, canonical: host, port: port)
    }

    /// The origin of a text; ``unreadableOrigin`` when it is not a URL.
    package static func origin(of text: String) -> String {
        // What is wrong with it is said where it is subscribed and where it is sent to.
        (try? HTTPURL(text))?.origin ?? Self.unreadableOrigin
    }

    /// Whether a text holds a blank or a control character, which no URI may.
    package static func holdsBlank(_ text: String) -> Bool {
        text.unicodeScalars.contains { $0.properties.isWhitespace || $0.properties.generalCategory == .control }
    }

    /// `trust+https://…` is called like `https://…`, with a token.
    private static func withoutTrust(_ text: String) -> String {
        let prefix = "trust+"
        return text.prefix(prefix.count).lowercased() == prefix ? String(text.dropFirst(prefix.count)) : text
    }

    private static func hasEmptyAuthority(_ text: String) -> Bool {
        let rest = text.utf8.drop { $0 != UInt8(ascii: ":") }.dropFirst()
        return rest.prefix { $0 == UInt8(ascii: "/") }.count > 2
    }
}

/// Why a text is not a URL that can be called.
package enum HTTPURLInvalid: Error, Sendable, Equatable {
    case tooLong, blank, scheme, noHost, hostNotASCII, hostTooLong, host, port, malformed

    /// What is wrong and what is allowed, as the end of a sentence.
    package var reason: String {
        switch self {
        case .tooLong: "it has more than \(HTTPURL.bytesMax) bytes"
        case .blank: "it holds a blank or a control character, which have to be percent-encoded"
        case .scheme: "its scheme has to be http or https, followed by ://"
        case .noHost: "it has no host after http:// or https://"
        case .hostNotASCII: "its host holds characters outside of ASCII; write the name in its xn-- form"
        case .hostTooLong: "its host has more than \(HTTPURL.hostBytesMax) characters"
        case .host: "its host is neither a name nor an IP address, the latter in brackets if it is an IPv6 address"
        case .port: "its port has to be a number from 1 to 65535"
        case .malformed: "it is malformed"
        }
    }
}
