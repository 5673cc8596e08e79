import CCurl
import Glibc

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
    private static func holdsBlank(_ text: String) -> Bool {
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

/// A URL taken apart by libcurl; owns its handle.
final class URLParts {
    private let handle: OpaquePointer

    /// nil when there is no memory.
    init?() {
        guard let handle = curl_url() else { return nil }
        self.handle = handle
    }

    deinit {
        curl_url_cleanup(self.handle)
    }

    /// - Parameter text: Without a NUL.
    func read(_ text: String) throws(HTTPURLInvalid) {
        switch curl_url_set(self.handle, CURLUPART_URL, text, 0) {
        case CURLUE_OK: return
        case CURLUE_BAD_SCHEME, CURLUE_UNSUPPORTED_SCHEME, CURLUE_BAD_SLASHES: throw .scheme
        case CURLUE_NO_HOST: throw .noHost
        case CURLUE_BAD_HOSTNAME, CURLUE_BAD_IPV6: throw .host
        case CURLUE_BAD_PORT_NUMBER: throw .port
        default: throw .malformed
        }
    }

    /// One part, decoded as far as libcurl connects by it; nil when the URL has none.
    func get(_ part: CURLUPart, flags: UInt32 = 0) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(self.handle, part, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
