package import Logging
package import NIOCore
internal import ServiceLifecycle

package final class RedisPool: Service, Sendable {
    package init(
        endpoint: RedisEndpoint,
        connections: Int = 2,
        inFlightMax: Int = RedisLimits.inFlightMax,
        deadline: Duration = .seconds(4),
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
    }

    package func send(_ command: RedisCommand) async throws(RedisError) -> RedisValue { throw .notSent(.disconnected) }
    package func run(_ call: ScriptCall) async throws(RedisError) -> RedisValue { throw .notSent(.disconnected) }
    package func run() async throws {}
}
