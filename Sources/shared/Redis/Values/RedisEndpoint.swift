/// Where Redis is, and who we are to it.
///
/// ```
/// redis://[[user:]password@]host[:port][/database]      port 6379, database 0 by default; [::1] for IPv6
/// unix://[[user:]password@]/path/of/the.sock[?db=N]
/// ```
/// User, password and path are percent-decoded. Text without a colon before the `@` is a password, as for `redis-cli -u`.
package struct RedisEndpoint: Sendable, Hashable {
    package enum Address: Sendable, Hashable {
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    package var address: Address
    package var user: String?
    package var password: String?
    package var database: Int

    package init(address: Address, user: String? = nil, password: String? = nil, database: Int = 0) {
        self.address = address
        self.user = user
        self.password = password
        self.database = database
    }

    package init(url: String) throws(InvalidRedisURL) {
        guard let schemeEnd = url.firstRange(of: "://") else { throw .noScheme }
        let rest = url[schemeEnd.upperBound...]
        switch url[..<schemeEnd.lowerBound].lowercased() {
        case "redis": try self.init(afterRedisScheme: rest)
        case "unix": try self.init(afterUnixScheme: rest)
        case "rediss": throw .tlsUnsupported
        default: throw .unknownScheme
        }
    }

    private init(afterRedisScheme rest: Substring) throws(InvalidRedisURL) {
        // The last @ ends the password: people forget to encode theirs, hosts have none. A / or ? must be encoded.
        let (beforeQuery, query) = rest.split(atFirst: "?")
        let (authority, path) = beforeQuery.split(atFirst: "/")
        let (credentials, hostAndPort) = try Self.credentials(leading: authority)
        let (host, port) = try Self.hostAndPort(hostAndPort)
        var database: Int?
        if let path, !path.isEmpty { database = try Self.database(path) }
        if let inQuery = try Self.database(inQuery: query) {
            guard database == nil else { throw .databaseTwice }
            database = inQuery
        }
        self.init(
            address: .tcp(host: host, port: port), user: credentials.user, password: credentials.password,
            database: database ?? 0)
    }

    private init(afterUnixScheme rest: Substring) throws(InvalidRedisURL) {
        let (beforeQuery, query) = rest.split(atFirst: "?")
        guard let slash = beforeQuery.firstIndex(of: "/") else { throw .noPath }
        let (credentials, host) = try Self.credentials(leading: beforeQuery[..<slash])
        guard host.isEmpty else { throw .hostInUnixURL }
        let path = try Self.decoded(beforeQuery[slash...])
        guard path.utf8.count > 1 else { throw .noPath }
        guard path.utf8.count <= unixPathBytesMax else { throw .pathTooLong(bytesMax: unixPathBytesMax) }
        self.init(
            address: .unix(path: path), user: credentials.user, password: credentials.password,
            database: try Self.database(inQuery: query) ?? 0)
    }
}

/// `sun_path` holds 108 bytes with the closing zero (unix(7)).
let unixPathBytesMax = 107
/// Redis keeps the number of databases in an `int`.
private let databaseMax = Int(Int32.max)

extension RedisEndpoint {
    static func credentials(
        leading authority: Substring
    ) throws(InvalidRedisURL) -> (credentials: (user: String?, password: String?), rest: Substring) {
        guard let at = authority.lastIndex(of: "@") else { return ((nil, nil), authority) }
        let rest = authority[authority.index(after: at)...]
        let (first, second) = authority[..<at].split(atFirst: ":")
        guard let second else { return ((nil, try Self.nonEmpty(first)), rest) }
        let user = try Self.nonEmpty(first)
        let password = try Self.nonEmpty(second)
        if user != nil, password == nil { throw .userWithoutPassword }
        return ((user, password), rest)
    }

    static func nonEmpty(_ text: Substring) throws(InvalidRedisURL) -> String? {
        text.isEmpty ? nil : try Self.decoded(text)
    }

    static func hostAndPort(_ text: Substring) throws(InvalidRedisURL) -> (host: String, port: Int) {
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

    static func database(inQuery query: Substring?) throws(InvalidRedisURL) -> Int? {
        guard let query, !query.isEmpty else { return nil }
        let (name, value) = query.split(atFirst: "=")
        guard name == "db", let value else { throw .unknownOption }
        return try Self.database(value)
    }

    static func database(_ text: Substring) throws(InvalidRedisURL) -> Int {
        guard let database = Self.number(text), database <= databaseMax else { throw .invalidDatabase }
        return database
    }

    /// Digits only: `Int` would take a sign as well.
    static func number(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } ? Int(text) : nil
    }

    static func decoded(_ text: Substring) throws(InvalidRedisURL) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst()?.hexadecimalValue, let low = rest.popFirst()?.hexadecimalValue else {
                throw .invalidPercentEncoding
            }
            bytes.append(high << 4 | low)
        }
        guard !bytes.contains(0), let decoded = String(validating: bytes, as: UTF8.self) else {
            throw .invalidPercentEncoding
        }
        return decoded
    }
}

extension RedisEndpoint: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The URL with `***` for the password.
    package var description: String {
        var credentials = ""
        if let user = self.user { credentials += "\(user):" }
        if self.password != nil { credentials += "***" }
        if !credentials.isEmpty { credentials += "@" }
        switch self.address {
        case .tcp(let host, let port):
            let spelled = host.contains(":") ? "[\(host)]" : host
            return "redis://\(credentials)\(spelled):\(port)/\(self.database)"
        case .unix(let path):
            return "unix://\(credentials)\(path)" + (self.database == 0 ? "" : "?db=\(self.database)")
        }
    }

    package var debugDescription: String { self.description }

    /// Shows nothing more than ``description``: `dump` walks past it otherwise.
    package var customMirror: Mirror { Mirror(self, children: ["url": self.description]) }
}

extension Substring {
    func split(atFirst separator: Character) -> (Substring, Substring?) {
        guard let index = self.firstIndex(of: separator) else { return (self, nil) }
        return (self[..<index], self[self.index(after: index)...])
    }
}

extension UInt8 {
    fileprivate var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
