/// What is wrong with the URL of a Redis.
///
/// It never repeats the URL, which may hold a password.
package enum InvalidRedisURL: Error, Sendable, Equatable {
    case noScheme
    case unknownScheme
    case noHost
    case severalHosts
    case tooManyHosts(max: Int)
    case invalidPort
    case invalidDatabase
    case databaseTwice
    case databaseOfCluster
    case noMaster
    case masterTooLong(bytesMax: Int)
    case unknownOption
    case optionTwice
    case userWithoutPassword
    case invalidPercentEncoding
    case noPath
    case hostInUnixURL
    case pathTooLong(bytesMax: Int)
    case passwordWithoutColon
    case invalidTimeout
}

extension InvalidRedisURL: CustomStringConvertible {
    /// One line for the operator: what is expected.
    package var description: String {
        switch self {
        case .noScheme, .unknownScheme:
            "a Redis URL starts with redis://, rediss://, redis+sentinel://, redis+cluster:// or unix://"
        case .noHost: "a redis:// URL names a host: redis://[[user:]password@]host[:port][/database]"
        case .severalHosts:
            "several hosts are those of Sentinels or of a cluster: redis+sentinel://host[:port],…/master, "
                + "redis+cluster://host[:port],…, or of a pool redis://host[:port],…?master=NAME"
        case .tooManyHosts(let max): "a Redis URL names at most \(max) hosts"
        case .invalidPort: "the port of a Redis URL is a number, 1 through 65535"
        case .invalidDatabase: "the database of a Redis URL is a number, 0 or more"
        case .databaseTwice: "a Redis URL names its database once, as /N or as ?db=N"
        case .databaseOfCluster: "a Redis Cluster has database 0 only"
        case .noMaster: "Sentinels are asked for a master by its name: redis+sentinel://host[:port],…/master"
        case .masterTooLong(let bytesMax): "the name of a master has at most \(bytesMax) bytes"
        case .unknownOption:
            "the options of a Redis URL are ?db=N and, with redis+sentinel://, sentinel_username= and sentinel_password="
        case .optionTwice: "an option of a Redis URL is given once, and so is the name of a master"
        case .userWithoutPassword: "a Redis URL with a user has a password: user:password@"
        case .invalidPercentEncoding:
            "what a Redis URL names (user, password, path, master) is not valid percent-encoded UTF-8"
        case .noPath: "a unix:// URL has an absolute path: unix://[[user:]password@]/path[?db=N]"
        case .hostInUnixURL: "a unix:// URL has no host, only a path: unix:///path"
        case .pathTooLong(let bytesMax): "the path of a Unix socket has at most \(bytesMax) bytes"
        case .passwordWithoutColon: "a password has a colon before it, also without a user: :password@"
        case .invalidTimeout: "socket_timeout is a number of seconds, more than 0 and at most 60"
        }
    }
}
