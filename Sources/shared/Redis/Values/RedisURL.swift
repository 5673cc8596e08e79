import Cryptography

/// Where a Redis is, and who we are to it: what a process is given in its settings, and what an administrator registers as a
/// pool.
///
/// ``RedisURLGrammar`` reads it from text. Two texts that lead to one Redis in the same way are equal, since it is the key
/// of connections: hosts are in lower case, and those of a list in an order of their own.
package struct RedisURL: Sendable, Hashable {
    /// What is at the addresses.
    package enum Topology: Sendable, Hashable {
        /// One server, that stays where it is.
        case server(RedisEndpoint.Address)
        /// Sentinels, which say where the master of a name is; their login is another than that of the servers.
        case sentinel([RedisEndpoint.Address], master: String, login: RedisLogin)
        /// Some nodes of a cluster, which know the others.
        case cluster([RedisEndpoint.Address])
    }

    /// Of the servers that keep data.
    package let login: RedisLogin
    package let topology: Topology
    /// Whether connections are made by TLS, also those to Sentinels.
    package let isEncrypted: Bool
    /// Whether it is one server that is reached in the clear.
    package var isPlainServer: Bool {
        if case .server = self.topology { !self.isEncrypted } else { false }
    }
    /// How long a command may take; nil: as long as the process allows.
    package let deadline: Duration?

    package init(login: RedisLogin, topology: Topology, isEncrypted: Bool = false, deadline: Duration? = nil) {
        self.login = login
        self.topology = topology.normalized
        self.isEncrypted = isEncrypted
        self.deadline = deadline
    }

    /// A server that was named in another way.
    package init(_ endpoint: RedisEndpoint) {
        self.init(login: endpoint.login, topology: .server(endpoint.address))
    }

    package init(_ text: String, as dialect: RedisURLGrammar.Dialect) throws(InvalidRedisURL) {
        self = try RedisURLGrammar(dialect).read(text)
    }
}

extension RedisURL.Topology {
    fileprivate var normalized: Self {
        switch self {
        case .server(let address): .server(address.normalized)
        case .sentinel(let hosts, let master, let login):
            .sentinel(Self.normalized(hosts), master: master, login: login)
        case .cluster(let nodes): .cluster(Self.normalized(nodes))
        }
    }

    private static func normalized(_ addresses: [RedisEndpoint.Address]) -> [RedisEndpoint.Address] {
        Set(addresses.map(\.normalized)).sorted { $0.description < $1.description }
    }
}

extension RedisEndpoint.Address {
    /// Names of hosts are the same in either case.
    fileprivate var normalized: Self {
        switch self {
        case .tcp(let host, let port): .tcp(host: host.lowercased(), port: port)
        case .unix: self
        }
    }
}

extension RedisURL: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The URL as a setting has it, with `***` for passwords.
    package var description: String {
        let (scheme, login) = (self.isEncrypted ? "rediss" : "redis", self.login.masked)
        switch self.topology {
        case .server(.unix(let path)):
            return "unix://\(login)\(path)" + (self.login.database == 0 ? "" : "?db=\(self.login.database)")
        case .server(let address):
            return "\(scheme)://\(login)\(address)/\(self.login.database)"
        case .sentinel(let hosts, let master, let own):
            let options = [
                own.user.map { "sentinel_username=\($0)" }, own.password.map { _ in "sentinel_password=***" },
            ].compactMap(\.self)
            return "\(scheme)+sentinel://\(login)\(Self.list(hosts))/\(master)/\(self.login.database)"
                + (options.isEmpty ? "" : "?" + options.joined(separator: "&"))
        case .cluster(let nodes):
            return "\(scheme)+cluster://\(login)\(Self.list(nodes))"
        }
    }

    package var debugDescription: String { self.description }

    /// Shows nothing more than ``description``: `dump` walks past it otherwise.
    package var customMirror: Mirror { Mirror(self, children: ["url": self.description]) }

    private static func list(_ addresses: [RedisEndpoint.Address]) -> String {
        addresses.map(\.description).joined(separator: ",")
    }

    /// A text that may be a URL, with `***` for passwords, and otherwise as it was given.
    ///
    /// Options are hidden by their names, in whatever way these are written, and also those that mean nothing here.
    package static func masked(_ text: String) -> String {
        let (front, query) = text[...].split(atFirst: "?")
        let masked = Self.maskedLogin(front)
        guard let query else { return masked }
        let options = query.split(separator: "&", omittingEmptySubsequences: false).map { option in
            let (name, value) = option.split(atFirst: "=")
            guard value?.isEmpty == false, Percent.decode(option).lowercased().contains("password=") else {
                return String(option)
            }
            return "\(name)=***"
        }
        return "\(masked)?\(options.joined(separator: "&"))"
    }

    private static func maskedLogin(_ front: Substring) -> String {
        guard let slashes = front.firstRange(of: "//") else { return String(front) }
        let authority = front[slashes.upperBound...].prefix { $0 != "/" }
        guard let at = authority.lastIndex(of: "@") else { return String(front) }
        // Without a colon all of it is a password.
        let start = authority[..<at].firstIndex(of: ":").map(authority.index(after:)) ?? authority.startIndex
        return start == at ? String(front) : front[..<start] + "***" + front[at...]
    }
}
