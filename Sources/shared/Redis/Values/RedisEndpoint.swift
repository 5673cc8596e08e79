/// One server, and who we are to it.
package struct RedisEndpoint: Sendable, Hashable {
    package enum Address: Sendable, Hashable {
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    package var address: Address
    package var login: RedisLogin

    package init(address: Address, login: RedisLogin = RedisLogin()) {
        self.address = address
        self.login = login
    }
}

extension RedisEndpoint.Address: CustomStringConvertible {
    /// `host:port` with brackets for IPv6, or a path.
    package var description: String {
        switch self {
        case .tcp(let host, let port): (host.contains(":") ? "[\(host)]" : host) + ":\(port)"
        case .unix(let path): path
        }
    }
}
