import Logging
import NIOPosix
import Redis

/// The control store of a deployment, as a command reaches it that speaks to Redis.
enum ControlStore {
    /// One connection, without a log: what fails is the error of the command.
    static func client(of endpoint: RedisEndpoint) -> (redis: RedisClient, logger: Logger) {
        let logger = Logger(label: "herald") { _ in SwiftLogNoOpLogHandler() }
        let redis = RedisClient(
            endpoint: endpoint, connections: 1, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        return (redis, logger)
    }
}
