import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Redis
import TestKit

/// Stands between a notifier and Redis, and loses replies on request: commands arrive and are carried out.
final class LossyRedis: Sendable {
    private struct State {
        var isLosing = false
        var callers: [ObjectIdentifier: any Channel] = [:]
    }

    private let state = NIOLockedValueBox(State())
    private let lost = NIOLockedValueBox(0)

    /// Bytes of replies that were lost.
    var lostBytes: Int { self.lost.withLockedValue { $0 } }

    /// Runs `body` with a proxy to the socket of `redis`, and the endpoint to reach it at.
    static func with<Result>(
        _ redis: RedisServer, _ body: (LossyRedis, RedisEndpoint) async throws -> Result
    ) async throws -> Result {
        let proxy = LossyRedis()
        let target = "\(redis.folder.path)/redis.sock"
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { caller in proxy.join(caller, to: target) }
            .bind(host: "127.0.0.1", port: 0).get()
        let endpoint = RedisEndpoint(address: .tcp(host: "127.0.0.1", port: server.localAddress?.port ?? 0))
        let result: Result
        do { result = try await body(proxy, endpoint) } catch {
            try await server.close()
            throw error
        }
        try await server.close()
        return result
    }

    /// Loses all replies for a time, and then the connections: the callers never learn what was carried out.
    func loseReplies(for time: Duration) async throws {
        try await self.losingReplies { try await Task.sleep(for: time) }
    }

    /// Loses all replies while `body` runs, and then the connections.
    func losingReplies(_ body: () async throws -> Void) async throws {
        self.state.withLockedValue { $0.isLosing = true }
        defer { self.stopLosing() }
        try await body()
    }

    private func stopLosing() {
        let callers = self.state.withLockedValue { state in
            state.isLosing = false
            return Array(state.callers.values)
        }
        for caller in callers { caller.close(promise: nil) }
    }

    private func join(_ caller: any Channel, to target: String) -> EventLoopFuture<Void> {
        self.state.withLockedValue { $0.callers[ObjectIdentifier(caller)] = caller }
        caller.closeFuture.whenComplete { _ in
            self.state.withLockedValue { _ = $0.callers.removeValue(forKey: ObjectIdentifier(caller)) }
        }
        return ClientBootstrap(group: caller.eventLoop)
            .channelInitializer { redis in
                redis.eventLoop.makeCompletedFuture {
                    try redis.pipeline.syncOperations.addHandler(
                        Relay(to: caller) { count in
                            guard self.state.withLockedValue({ $0.isLosing }) else { return true }
                            self.lost.withLockedValue { $0 += count }
                            return false
                        })
                }
            }
            .connect(unixDomainSocketPath: target)
            .flatMap { redis in
                caller.eventLoop.makeCompletedFuture {
                    try caller.pipeline.syncOperations.addHandler(Relay(to: redis) { _ in true })
                }.flatMap { caller.setOption(.autoRead, value: true) }
            }
    }

    /// Passes on what it reads, if it may, and the end of the connection.
    private final class Relay: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let other: any Channel
        private let isPassed: (Int) -> Bool

        init(to other: any Channel, _ isPassed: @escaping (Int) -> Bool) {
            self.other = other
            self.isPassed = isPassed
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = self.unwrapInboundIn(data)
            if self.isPassed(bytes.readableBytes) { self.other.writeAndFlush(bytes, promise: nil) }
        }

        func channelInactive(context: ChannelHandlerContext) {
            self.other.close(promise: nil)
        }
    }
}
