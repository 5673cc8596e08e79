/// What is wrong with the URL of a Redis.
///
/// It never repeats the URL, which may hold a password.
package enum InvalidRedisURL: Error, Sendable, Equatable {
    case noScheme
    case unknownScheme
    case tlsUnsupported
    case noHost
    case invalidPort
    case invalidDatabase
    case databaseTwice
    case unknownOption
    case userWithoutPassword
    case invalidPercentEncoding
    case noPath
    case hostInUnixURL
    case pathTooLong(bytesMax: Int)
    case passwordWithoutColon
    case sentinelUnsupported
    case invalidTimeout
}

extension InvalidRedisURL: CustomStringConvertible {
    /// One line for the operator: what is expected.
    package var description: String {
        switch self {
        case .noScheme, .unknownScheme: "a Redis URL starts with redis:// or unix://"
        case .tlsUnsupported: "rediss:// (TLS) is not supported"
        case .noHost: "a redis:// URL names a host: redis://[[user:]password@]host[:port][/database]"
        case .invalidPort: "the port of a Redis URL is a number, 1 through 65535"
        case .invalidDatabase: "the database of a Redis URL is a number, 0 or more"
        case .databaseTwice: "a Redis URL names its database once, as /N or as ?db=N"
        case .unknownOption: "the only option of a Redis URL is ?db=N"
        case .userWithoutPassword: "a Redis URL with a user has a password: user:password@"
        case .invalidPercentEncoding: "the user, password or path of a Redis URL is not valid percent-encoded UTF-8"
        case .noPath: "a unix:// URL has an absolute path: unix://[[user:]password@]/path[?db=N]"
        case .hostInUnixURL: "a unix:// URL has no host, only a path: unix:///path"
        case .pathTooLong(let bytesMax): "the path of a Unix socket has at most \(bytesMax) bytes"
        case .passwordWithoutColon: "a password has a colon before it, also without a user: :password@"
        case .sentinelUnsupported: "Sentinel (several hosts, master=, sentinel_…=) is not supported"
        case .invalidTimeout: "socket_timeout is a number of seconds, more than 0 and at most 60"
        }
    }
}
