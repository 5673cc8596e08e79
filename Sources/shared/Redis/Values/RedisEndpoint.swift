/// Where Redis is, and who we are to it.
///
/// ``RedisURL`` reads it from text.
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

    /// Reads a URL as the settings have it.
    package init(url: String) throws(InvalidRedisURL) {
        self = try RedisURL(url, as: .setting).endpoint
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
