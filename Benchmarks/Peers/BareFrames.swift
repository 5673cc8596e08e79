import ArgumentParser
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A bare listener that writes the frame of a notification to all its connections: no Redis, no notifier, no session.
///
/// `GET /write?count=N` has N frames written, each with its own write to each connection, as fast as the event loops go.
struct BareFrames: AsyncParsableCommand {
    @Option var port: Int

    func run() async throws {
        let connections = BareConnections()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 8192)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(BareConnection(connections: connections))
                }
            }
            .bind(host: "127.0.0.1", port: self.port).get()
        try await listener.closeFuture.get()
    }
}

/// The connections that are upgraded, by event loop.
private final class BareConnections: Sendable {
    private let channels = NIOLockedValueBox<[ObjectIdentifier: [any Channel]]>([:])

    func add(_ channel: any Channel) {
        self.channels.withLockedValue { $0[ObjectIdentifier(channel.eventLoop), default: []].append(channel) }
    }

    func write(_ count: Int) {
        for channels in self.channels.withLockedValue({ $0.values }) {
            channels.first?.eventLoop.execute {
                for _ in 0..<count {
                    let frame = Self.frame()
                    for channel in channels { channel.writeAndFlush(frame, promise: nil) }
                }
            }
        }
    }

    private static func frame() -> ByteBuffer {
        let payload =
            #"{"body":{"t":\#(Stamp.nowNs())},"ttl":3600,"queue_name":"bench","Message_Type":"Notification"}"#
        return SocketBytes.plain(1, ByteBuffer(string: payload))
    }
}

private final class BareConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connections: BareConnections
    private var input = ByteBuffer()
    private var isUpgraded = false

    init(connections: BareConnections) {
        self.connections = connections
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isUpgraded else { return }
        var part = self.unwrapInboundIn(data)
        self.input.writeBuffer(&part)
        guard let head = SocketBytes.takeHead(&self.input) else { return }
        if let count = head.firstMatch(of: /^GET \/write\?count=([0-9]+)\s/) {
            self.connections.write(Int(count.1) ?? 0)
            context.writeAndFlush(NIOAny(ByteBuffer(string: "HTTP/1.1 204 No Content\r\n\r\n")), promise: nil)
        } else {
            self.isUpgraded = true
            self.connections.add(context.channel)
            context.writeAndFlush(NIOAny(SocketBytes.upgraded), promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
