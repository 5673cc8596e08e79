import Cryptography

/// Reads the URLs of a Redis.
///
/// ```
/// redis://[[user:]password@]host[:port]                       port 6379 by default; [::1] for IPv6
/// unix://[[user:]password@]/path/of/the.sock
/// redis+sentinel://[[user:]password@]host[:port],…/master[/N] port 26379 by default
/// redis+cluster://[[user:]password@]host[:port],…             port 6379 by default; database 0
/// ```
/// `rediss` in place of `redis` means TLS. User, password, path, the name of a master and the login of Sentinels are
/// percent-decoded. There is one grammar, with two dialects, since the messaging API says how pools are written, and
/// `redis-cli` what is usual elsewhere:
///
/// | | ``Dialect/setting`` | ``Dialect/pool`` |
/// |---|---|---|
/// | database, 0 by default | `/N` behind the host, or `?db=N` | `?dbid=N` or `?db=N` |
/// | a path behind the host of `redis://` | the database | ignored: `redis://h/3` is database 0 |
/// | a password without a colon before it | taken, as by `redis-cli -u` | refused |
/// | `redis://` without a host | refused | a Unix socket |
/// | `unix:/path` | refused | a Unix socket |
/// | `redis://` with `?master=NAME` | refused | Sentinels, one or several, port 26379 by default |
/// | `sentinel_username`, `sentinel_password` | of `redis+sentinel://` | of both forms with Sentinels |
/// | `socket_timeout` | refused | seconds for one command, up to 60 |
/// | other options | refused | ignored |
package struct RedisURLGrammar: Sendable {
    package enum Dialect: Sendable {
        case setting
        case pool
    }

    /// Hosts of one URL: Sentinels are three or five, and a few nodes of a cluster are enough to find all.
    package static let hostsMax = 16
    /// Of the name of a master.
    package static let masterBytesMax = 128
    /// `sun_path` holds 108 bytes with the closing zero (unix(7)).
    package static let unixPathBytesMax = 107
    /// Redis keeps the number of databases in an `int`.
    static let databaseMax = Int(Int32.max)

    private let dialect: Dialect

    package init(_ dialect: Dialect) { self.dialect = dialect }

    package func read(_ text: String) throws(InvalidRedisURL) -> RedisURL {
        let (scheme, rest) = try self.scheme(of: text)
        let (front, query) = rest.split(atFirst: "?")
        let (authority, path) = front.split(atFirst: "/")
        var (login, hosts) = try self.login(leading: authority)
        var options = try RedisURLOptions(query, self.dialect, scheme.kind)
        let topology =
            switch scheme.kind {
            case .unix: try self.socket(hosts, path, options)
            case .sentinel: try self.sentinel(hosts, path, &options)
            case .cluster: try self.cluster(hosts, path, &options)
            case .server: try self.server(hosts, path, isEncrypted: scheme.isEncrypted, &options)
            }
        login.database = options.database ?? 0
        return RedisURL(
            login: login, topology: topology, isEncrypted: scheme.isEncrypted, deadline: options.deadline)
    }

    // MARK: What stands before the hosts

    enum Kind: Sendable { case server, unix, sentinel, cluster }

    /// - Returns: What stands behind the scheme and its slashes.
    private func scheme(
        of text: String
    ) throws(InvalidRedisURL) -> (scheme: (kind: Kind, isEncrypted: Bool), rest: Substring) {
        guard let colon = text.firstIndex(of: ":") else { throw .noScheme }
        var rest = text[text.index(after: colon)...]
        let hasAuthority = rest.hasPrefix("//")
        if hasAuthority { rest = rest.dropFirst(2) }
        let scheme: (kind: Kind, isEncrypted: Bool) =
            switch text[..<colon].lowercased() {
            case "redis": (.server, false)
            case "rediss": (.server, true)
            case "unix": (.unix, false)
            case "redis+sentinel": (.sentinel, false)
            case "rediss+sentinel": (.sentinel, true)
            case "redis+cluster": (.cluster, false)
            case "rediss+cluster": (.cluster, true)
            default: throw self.dialect == .pool || hasAuthority ? InvalidRedisURL.unknownScheme : .noScheme
            }
        let isBarePath = self.dialect == .pool && scheme.kind == .unix && rest.hasPrefix("/")
        guard hasAuthority || isBarePath else { throw .noScheme }
        return (scheme, rest)
    }

    private func login(leading authority: Substring) throws(InvalidRedisURL) -> (RedisLogin, hosts: Substring) {
        // The last @ ends the password: people forget to encode theirs, hosts have none. A / or ? must be encoded.
        guard let at = authority.lastIndex(of: "@") else { return (RedisLogin(), authority) }
        let hosts = authority[authority.index(after: at)...]
        let (first, second) = authority[..<at].split(atFirst: ":")
        guard let second else {
            guard self.dialect == .setting else { throw .passwordWithoutColon }
            return (RedisLogin(password: try Self.nonEmpty(first)), hosts)
        }
        let login = RedisLogin(user: try Self.nonEmpty(first), password: try Self.nonEmpty(second))
        if login.user != nil, login.password == nil { throw .userWithoutPassword }
        return (login, hosts)
    }

    // MARK: Where it is

    private func socket(
        _ host: Substring, _ path: Substring?, _ options: RedisURLOptions
    ) throws(InvalidRedisURL) -> RedisURL.Topology {
        guard host.isEmpty else { throw .hostInUnixURL }
        guard let path, !path.isEmpty else { throw .noPath }
        guard options.master == nil, options.sentinelLogin == RedisLogin() else { throw .noHost }
        let socket = try Self.decoded("/" + path)
        guard socket.utf8.count <= Self.unixPathBytesMax else { throw .pathTooLong(bytesMax: Self.unixPathBytesMax) }
        return .server(.unix(path: socket))
    }

    private func server(
        _ hosts: Substring, _ path: Substring?, isEncrypted: Bool, _ options: inout RedisURLOptions
    ) throws(InvalidRedisURL) -> RedisURL.Topology {
        if let master = options.master {
            return .sentinel(
                try Self.list(hosts, defaultPort: sentinelPort), master: master, login: options.sentinelLogin)
        }
        guard options.sentinelLogin == RedisLogin() else { throw .noMaster }
        if hosts.isEmpty, self.dialect == .pool, !isEncrypted {
            guard path?.isEmpty == false else { throw .noHost }
            return try self.socket(hosts, path, options)
        }
        guard !hosts.contains(",") else { throw .severalHosts }
        if self.dialect == .setting, let path, !path.isEmpty { try options.set(database: path) }
        return .server(try Self.address(hosts, defaultPort: serverPort))
    }

    private func sentinel(
        _ hosts: Substring, _ path: Substring?, _ options: inout RedisURLOptions
    ) throws(InvalidRedisURL) -> RedisURL.Topology {
        let addresses = try Self.list(hosts, defaultPort: sentinelPort)
        let (name, database) = (path ?? "").split(atFirst: "/")
        if !name.isEmpty { try options.set(master: name) }
        if let database, !database.isEmpty { try options.set(database: database) }
        guard let master = options.master else { throw .noMaster }
        return .sentinel(addresses, master: master, login: options.sentinelLogin)
    }

    private func cluster(
        _ hosts: Substring, _ path: Substring?, _ options: inout RedisURLOptions
    ) throws(InvalidRedisURL) -> RedisURL.Topology {
        let addresses = try Self.list(hosts, defaultPort: serverPort)
        if let path, !path.isEmpty { try options.set(database: path) }
        guard options.database ?? 0 == 0 else { throw .databaseOfCluster }
        guard options.master == nil, options.sentinelLogin == RedisLogin() else { throw .unknownOption }
        return .cluster(addresses)
    }

    private static func list(
        _ text: Substring, defaultPort: Int
    ) throws(InvalidRedisURL) -> [RedisEndpoint.Address] {
        let hosts = text.split(separator: ",", maxSplits: Self.hostsMax, omittingEmptySubsequences: false)
        guard hosts.count <= Self.hostsMax else { throw .tooManyHosts(max: Self.hostsMax) }
        var addresses: [RedisEndpoint.Address] = []
        for host in hosts { addresses.append(try Self.address(host, defaultPort: defaultPort)) }
        return addresses
    }

    private static func address(
        _ text: Substring, defaultPort: Int
    ) throws(InvalidRedisURL) -> RedisEndpoint.Address {
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
        guard let portText, !portText.isEmpty else { return .tcp(host: String(host), port: defaultPort) }
        guard let port = Self.number(portText), (1...65535).contains(port) else { throw .invalidPort }
        return .tcp(host: String(host), port: port)
    }
}

extension RedisURLGrammar {
    static func nonEmpty(_ text: Substring) throws(InvalidRedisURL) -> String? {
        text.isEmpty ? nil : try Self.decoded(text)
    }

    static func decoded(_ text: Substring) throws(InvalidRedisURL) -> String {
        guard let bytes = Percent.decodeStrictly(text.utf8), !bytes.contains(0),
            let decoded = String(validating: bytes, as: UTF8.self)
        else {
            throw .invalidPercentEncoding
        }
        return decoded
    }

    /// Digits only: `Int` would take a sign as well.
    static func number(_ text: Substring) -> Int? {
        text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } ? Int(text) : nil
    }
}

private let serverPort = 6379
private let sentinelPort = 26379

extension Substring {
    func split(atFirst separator: Character) -> (Substring, Substring?) {
        guard let index = self.firstIndex(of: separator) else { return (self, nil) }
        return (self[..<index], self[self.index(after: index)...])
    }
}
