import NIOPosix
import Notifier
import Redis
import Store
import TestKit
import Testing

struct WakeupListenerTests {
    @Test(.timeLimit(.minutes(1))) func `A listener that is cancelled ends, also while Redis is away`() async throws {
        try await withTestDeployment { deployment in
            await deployment.redis.kill()
            let connection = RedisBlockingConnection(
                url: RedisURL(deployment.redis.endpoint), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: quietLogger())
            let listener = WakeupListener(
                signals: deployment.store.wakeups[0], connection: connection, logger: quietLogger())
            let listening = Task { await listener.listen { _ in } }
            listening.cancel()
            await listening.value
            await listener.stop()
        }
    }
}
