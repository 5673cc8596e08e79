package import Logging
package import NIOCore
internal import ServiceLifecycle

package final class RedisBlockingConnection: Service, Sendable {
    package init(endpoint: RedisEndpoint, eventLoopGroup: any EventLoopGroup, logger: Logger) {
    }

    package func send(_ command: RedisCommand, blockingFor block: Duration) async throws(RedisError) -> RedisValue {
        throw .notSent(.disconnected)
    }
    package func run() async throws {}
    package func shutDown() async {}
}
