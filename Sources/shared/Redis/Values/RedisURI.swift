/// A Redis as the messaging API's administrators write it: the one place that turns such a text into connections.
///
/// ```
/// redis://[[user]:password@]host[:port][/anything][?options]
/// redis://[[user]:password@]/path/of/the.sock[?options]       no host: a Unix socket
/// unix://[[user]:password@]/path/of/the.sock[?options]        unix:/path, too
/// ```
/// Options are `dbid` (or `db`) and `socket_timeout`, seconds for one command; others are ignored, as is the path behind
/// a host. Sentinel and TLS forms are known and refused (contract: "Storage driver").
package struct RedisURI: Sendable, Hashable {
    package let endpoint: RedisEndpoint
    /// nil: that of the process.
    package let deadline: Duration?

    /// A Redis that was named in another way.
    package init(_ endpoint: RedisEndpoint) {
        self.endpoint = endpoint
        self.deadline = nil
    }

    package init(_ text: String) throws(InvalidRedisURL) {
        guard let colon = text.firstIndex(of: ":") else { throw .noScheme }
        var rest = text[text.index(after: colon)...]
        let hasAuthority = rest.hasPrefix("//")
        if hasAuthority { rest = rest.dropFirst(2) }
        switch text[..<colon].lowercased() {
        case "redis" where hasAuthority: break
        case "unix" where hasAuthority || rest.hasPrefix("/"): break
        case "rediss": throw .tlsUnsupported
        case "redis", "unix": throw .noScheme
        default: throw .unknownScheme
        }
        let isUnix = text[..<colon].lowercased() == "unix"
        let (beforeQuery, query) = rest.split(atFirst: "?")
        let options = try Options(query ?? "")
        let (authority, path) = beforeQuery.split(atFirst: "/")
        if authority.contains("@"), !authority.contains(":") { throw .passwordWithoutColon }
        let (credentials, host) = try RedisEndpoint.credentials(leading: authority)
        let address: RedisEndpoint.Address
        if host.isEmpty {
            guard let path, !path.isEmpty else { throw isUnix ? .noPath : .noHost }
            let decoded = try RedisEndpoint.decoded("/" + path)
            guard decoded.utf8.count <= unixPathBytesMax else { throw .pathTooLong(bytesMax: unixPathBytesMax) }
            address = .unix(path: decoded)
        } else {
            guard !isUnix else { throw .hostInUnixURL }
            guard !host.contains(",") else { throw .sentinelUnsupported }
            let (name, port) = try RedisEndpoint.hostAndPort(host)
            address = .tcp(host: name, port: port)
        }
        self.endpoint = RedisEndpoint(
            address: address, user: credentials.user, password: credentials.password,
            database: options.database ?? 0)
        self.deadline = options.deadline
    }

    /// The text with `***` for the password, and otherwise as it was given.
    package static func masked(_ text: String) -> String {
        guard let slashes = text.firstRange(of: "//") else { return text }
        let rest = text[slashes.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else {
            return text
        }
        let password = authority.index(after: colon)..<at
        return password.isEmpty ? text : text.replacingCharacters(in: password)
    }

    private struct Options {
        var database: Int?
        var deadline: Duration?

        init(_ query: Substring) throws(InvalidRedisURL) {
            for pair in query.split(separator: "&") {
                let (name, value) = pair.split(atFirst: "=")
                switch name {
                case "dbid", "db":
                    guard self.database == nil else { throw .databaseTwice }
                    self.database = try RedisEndpoint.database(value ?? "")
                case "socket_timeout":
                    guard let seconds = value.flatMap({ Double($0) }), seconds > 0, seconds <= 60 else {
                        throw .invalidTimeout
                    }
                    self.deadline = .milliseconds(max(1, Int64(seconds * 1000)))
                case "master", "sentinel_username", "sentinel_password": throw .sentinelUnsupported
                default: break
                }
            }
        }
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<String.Index>) -> String {
        self[..<range.lowerBound] + "***" + self[range.upperBound...]
    }
}
