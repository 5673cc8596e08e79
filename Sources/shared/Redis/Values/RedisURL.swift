import Cryptography

/// Where a Redis is, as text: in the settings of a process, or as an administrator registers a pool.
///
/// ```
/// redis://[[user:]password@]host[:port]          port 6379 by default; [::1] for IPv6
/// unix://[[user:]password@]/path/of/the.sock
/// ```
/// User, password and path are percent-decoded. There is one grammar, with two dialects, since the messaging API says how
/// pools are written, and `redis-cli` what is usual elsewhere:
///
/// | | ``Dialect/setting`` | ``Dialect/pool`` |
/// |---|---|---|
/// | database, 0 by default | `/N` behind the host, or `?db=N` | `?dbid=N` or `?db=N` |
/// | a path behind the host | the database | ignored: `redis://h/3` is database 0 |
/// | a password without a colon before it | taken, as by `redis-cli -u` | refused |
/// | `redis://` without a host | refused | a Unix socket |
/// | `unix:/path` | refused | a Unix socket |
/// | `socket_timeout` | refused | seconds for one command, up to 60 |
/// | other options | refused | ignored, but for those of Sentinel, which are refused |
package struct RedisURL: Sendable, Hashable {
    package enum Dialect: Sendable {
        case setting
        case pool
    }

    package let endpoint: RedisEndpoint
    /// How long a command may take; nil: as long as the process allows.
    package let deadline: Duration?

    /// A Redis that was named in another way.
    package init(_ endpoint: RedisEndpoint) {
        self.endpoint = endpoint
        self.deadline = nil
    }

    package init(_ text: String, as dialect: Dialect) throws(InvalidRedisURL) {
        let (isUnix, rest) = try Self.scheme(of: text, dialect)
        let (beforeQuery, query) = rest.split(atFirst: "?")
        let (authority, path) = beforeQuery.split(atFirst: "/")
        if dialect == .pool, authority.contains("@"), !authority.contains(":") { throw .passwordWithoutColon }
        let (credentials, host) = try Self.credentials(leading: authority)
        var options = try Options(query, dialect)
        let address: RedisEndpoint.Address
        if isUnix || (host.isEmpty && dialect == .pool) {
            guard host.isEmpty else { throw .hostInUnixURL }
            guard let path, !path.isEmpty else { throw isUnix ? .noPath : .noHost }
            address = .unix(path: try Self.socketPath("/" + path))
        } else {
            guard dialect == .setting || !host.contains(",") else { throw .sentinelUnsupported }
            let (name, port) = try Self.hostAndPort(host)
            address = .tcp(host: name, port: port)
            if dialect == .setting, let path, !path.isEmpty { try options.set(database: path) }
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
        return password.isEmpty ? text : text[..<password.lowerBound] + "***" + text[password.upperBound...]
    }

    /// - Returns: What stands behind the scheme and its slashes.
    private static func scheme(
        of text: String, _ dialect: Dialect
    ) throws(InvalidRedisURL) -> (isUnix: Bool, rest: Substring) {
        guard let colon = text.firstIndex(of: ":") else { throw .noScheme }
        var rest = text[text.index(after: colon)...]
        let hasAuthority = rest.hasPrefix("//")
        if hasAuthority { rest = rest.dropFirst(2) }
        guard hasAuthority || dialect == .pool else { throw .noScheme }
        switch text[..<colon].lowercased() {
        case "redis" where hasAuthority: return (false, rest)
        case "unix" where hasAuthority || rest.hasPrefix("/"): return (true, rest)
        case "rediss": throw .tlsUnsupported
        case "redis", "unix": throw .noScheme
        default: throw .unknownScheme
        }
    }

    private struct Options {
        var database: Int?
        var deadline: Duration?

        init(_ query: Substring?, _ dialect: Dialect) throws(InvalidRedisURL) {
            guard let query, !query.isEmpty else { return }
            let pairs = dialect == .pool ? query.split(separator: "&") : [query]
            for pair in pairs {
                let (name, value) = pair.split(atFirst: "=")
                switch (name, dialect) {
                case ("db", .setting):
                    guard let value else { throw .unknownOption }
                    try self.set(database: value)
                case (_, .setting): throw .unknownOption
                case ("dbid", .pool), ("db", .pool): try self.set(database: value ?? "")
                case ("socket_timeout", .pool):
                    guard let seconds = value.flatMap({ Double($0) }), seconds > 0, seconds <= 60 else {
                        throw .invalidTimeout
                    }
                    self.deadline = .milliseconds(max(1, Int64(seconds * 1000)))
                case ("master", .pool), ("sentinel_username", .pool), ("sentinel_password", .pool):
                    throw .sentinelUnsupported
                case (_, .pool): break
                }
            }
        }

        mutating func set(database text: Substring) throws(InvalidRedisURL) {
            guard let number = RedisURL.number(text), number <= databaseMax else { throw .invalidDatabase }
            guard self.database == nil else { throw .databaseTwice }
            self.database = number
        }
    }
}

extension RedisURL {
    private static func credentials(
        leading authority: Substring
    ) throws(InvalidRedisURL) -> (credentials: (user: String?, password: String?), host: Substring) {
        // The last @ ends the password: people forget to encode theirs, hosts have none. A / or ? must be encoded.
        guard let at = authority.lastIndex(of: "@") else { return ((nil, nil), authority) }
        let host = authority[authority.index(after: at)...]
        let (first, second) = authority[..<at].split(atFirst: ":")
        guard let second else { return ((nil, try Self.nonEmpty(first)), host) }
        let user = try Self.nonEmpty(first)
        let password = try Self.nonEmpty(second)
        if user != nil, password == nil { throw .userWithoutPassword }
        return ((user, password), host)
    }

    private static func nonEmpty(_ text: Substring) throws(InvalidRedisURL) -> String? {
        text.isEmpty ? nil : try Self.decoded(text)
    }

    private static func hostAndPort(_ text: Substring) throws(InvalidRedisURL) -> (host: String, port: Int) {
        var host = text
        var portText: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw .noHost }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw .invalidPort }
            if !rest.isEmpty { portText = rest.dropFirst() }
        } else {
            (host, portText) = text.split(atFirst: ":")
        }
        guard !host.isEmpty else { throw .noHost }
        guard let portText, !portText.isEmpty else { return (String(host), 6379) }
        guard let port = Self.number(portText), (1...65535).contains(port) else { throw .invalidPort }
        return (String(host), port)
    }

    private static func socketPath(_ text: Substring) throws(InvalidRedisURL) -> String {
        let path = try Self.decoded(text)
        guard path.utf8.count <= unixPathBytesMax else { throw .pathTooLong(bytesMax: unixPathBytesMax) }
        return path
    }

    /// Digits only: `Int` would take a sign as well.
    private static func number(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } ? Int(text) : nil
    }

    private static func decoded(_ text: Substring) throws(InvalidRedisURL) -> String {
        guard let bytes = Percent.decodeStrictly(text.utf8), !bytes.contains(0),
            let decoded = String(validating: bytes, as: UTF8.self)
        else {
            throw .invalidPercentEncoding
        }
        return decoded
    }
}

/// `sun_path` holds 108 bytes with the closing zero (unix(7)).
private let unixPathBytesMax = 107
/// Redis keeps the number of databases in an `int`.
private let databaseMax = Int(Int32.max)

extension Substring {
    fileprivate func split(atFirst separator: Character) -> (Substring, Substring?) {
        guard let index = self.firstIndex(of: separator) else { return (self, nil) }
        return (self[..<index], self[self.index(after: index)...])
    }
}
