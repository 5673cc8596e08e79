import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
package import Redis

/// A loopback address that leads to a Redis, and to another one for connections made later, as the address of a service
/// does after a failover; connections that are open stay open.
package final class Forwarder: Sendable {
    /// Where it listens.
    package let endpoint: RedisEndpoint
    private let target: NIOLockedValueBox<RedisEndpoint>
    private let listener: any Channel

    private init(endpoint: RedisEndpoint, target: NIOLockedValueBox<RedisEndpoint>, listener: any Channel) {
        self.endpoint = endpoint
        self.target = target
        self.listener = listener
    }

    /// From here on new connections lead to this one.
    package func lead(to redis: RedisServer) {
        self.target.withLockedValue { $0 = redis.endpoint }
    }

    /// Gives a forwarder to a Redis, and ends it at the end.
    ///
    /// - Parameter before: Runs before any bytes of a client are passed on, and holds them back until it has returned.
    package static func with<Result>(
        to redis: RedisServer, before: (@Sendable () async throws -> Void)? = nil,
        _ body: (Forwarder) async throws -> Result
    ) async throws -> Result {
        let target = NIOLockedValueBox(redis.endpoint)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { near in Self.forward(near, to: target.withLockedValue { $0 }, before: before) }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let port = listener.localAddress?.port else { throw ChannelError.unknownLocalAddress }
        let forwarder = Forwarder(
            endpoint: RedisEndpoint(address: .tcp(host: "127.0.0.1", port: port), password: redis.endpoint.password),
            target: target, listener: listener)
        let result: Result
        do {
            result = try await body(forwarder)
        } catch {
            try await listener.close()
            throw error
        }
        try await listener.close()
        return result
    }

    private static func forward(
        _ near: any Channel, to target: RedisEndpoint, before: (@Sendable () async throws -> Void)?
    ) -> EventLoopFuture<Void> {
        guard case .unix(let path) = target.address else {
            preconditionFailure("a Redis of a test listens on a Unix socket")
        }
        return ClientBootstrap(group: near.eventLoop).connect(unixDomainSocketPath: path).flatMap { far in
            near.eventLoop.makeCompletedFuture {
                try near.pipeline.syncOperations.addHandler(Pump(to: far, before: before))
                try far.pipeline.syncOperations.addHandler(Pump(to: near))
            }
        }
    }
}

/// Writes what it reads to another channel of the same loop, and closes it with its own.
private final class Pump: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let peer: any Channel
    private let before: (@Sendable () async throws -> Void)?
    /// Of what was read last; keeps bytes in order while they are held back.
    private var passed: EventLoopFuture<Void>

    init(to peer: any Channel, before: (@Sendable () async throws -> Void)? = nil) {
        self.peer = peer
        self.before = before
        self.passed = peer.eventLoop.makeSucceededVoidFuture()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let (peer, bytes) = (self.peer, self.unwrapInboundIn(data))
        guard let before = self.before else { return peer.writeAndFlush(bytes, promise: nil) }
        self.passed = self.passed.flatMap { peer.eventLoop.makeFutureWithTask(before) }
            .flatMap { peer.writeAndFlush(bytes) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.peer.close(promise: nil)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
