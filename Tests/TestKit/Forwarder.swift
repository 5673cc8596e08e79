import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
package import Redis

/// A loopback address that leads to a server, and to another one for connections made later, as the address of a service
/// does after a failover; connections that are open stay open unless they are cut.
package final class Forwarder: Sendable {
    /// Where it listens.
    package let endpoint: RedisEndpoint
    private let state: NIOLockedValueBox<State>

    private struct State {
        var target: RedisEndpoint.Address
        var isCut = false
        var connections: [any Channel] = []
    }

    private init(endpoint: RedisEndpoint, state: NIOLockedValueBox<State>) {
        self.endpoint = endpoint
        self.state = state
    }

    /// From here on new connections lead to this one.
    package func lead(to redis: RedisServer) {
        self.state.withLockedValue { $0.target = redis.endpoint.address }
    }

    /// Ends all connections, and each new one at once until ``mend()``.
    package func cut() {
        let connections = self.state.withLockedValue { state in
            state.isCut = true
            defer { state.connections = [] }
            return state.connections
        }
        for connection in connections { connection.close(promise: nil) }
    }

    package func mend() { self.state.withLockedValue { $0.isCut = false } }

    /// Gives a forwarder to a Redis, and ends it at the end.
    ///
    /// - Parameter before: Runs before any bytes of a client are passed on, and holds them back until it has returned.
    package static func with<Result>(
        to redis: RedisServer, before: (@Sendable () async throws -> Void)? = nil,
        _ body: (Forwarder) async throws -> Result
    ) async throws -> Result {
        try await Self.with(to: redis.endpoint, before: before, body)
    }

    /// The same to any server.
    ///
    /// - Parameter target: Its login is for those who connect.
    package static func with<Result>(
        to target: RedisEndpoint, before: (@Sendable () async throws -> Void)? = nil,
        _ body: (Forwarder) async throws -> Result
    ) async throws -> Result {
        let state = NIOLockedValueBox(State(target: target.address))
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { near in
                let target = state.withLockedValue { state in
                    state.connections.append(near)
                    return state.isCut ? nil : state.target
                }
                return target.map { Self.forward(near, to: $0, before: before) } ?? near.close()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        guard let port = listener.localAddress?.port else { throw ChannelError.unknownLocalAddress }
        let forwarder = Forwarder(
            endpoint: RedisEndpoint(address: .tcp(host: "127.0.0.1", port: port), login: target.login),
            state: state)
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
        _ near: any Channel, to target: RedisEndpoint.Address, before: (@Sendable () async throws -> Void)?
    ) -> EventLoopFuture<Void> {
        let bootstrap = ClientBootstrap(group: near.eventLoop)
        let connected =
            switch target {
            case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
            case .tcp(let host, let port): bootstrap.connect(host: host, port: port)
            }
        return connected.flatMap { far in
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
