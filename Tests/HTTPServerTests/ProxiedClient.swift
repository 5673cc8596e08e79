import NIOCore
import NIOPosix
import TLS

/// A connection as a proxy makes it: a header in the clear, and behind it the TLS of its caller.
enum ProxiedClient {
    /// - Parameter byteByByte: Whether each byte of the header arrives by itself.
    /// - Returns: What came back until there was a whole answer.
    static func ask(
        port: Int, header: [UInt8], byteByByte: Bool, tls: TLSContext, _ request: String
    ) async throws -> String {
        let reply = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: String.self)
        let established = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .connect(host: "127.0.0.1", port: port).get()
        for part in byteByByte ? header.map({ [$0] }) : [header] {
            try await channel.writeAndFlush(ByteBuffer(bytes: part))
        }
        try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.addHandlers([
                TLSHandler.client(tls, to: "localhost", established: established), Answer(reply),
            ])
        }.get()
        established.futureResult.whenFailure { reply.fail($0) }
        try await established.futureResult.get()
        try await channel.writeAndFlush(ByteBuffer(string: request))
        let text = try await reply.futureResult.get()
        try await channel.close()
        return text
    }

    private final class Answer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let reply: EventLoopPromise<String>

        init(_ reply: EventLoopPromise<String>) { self.reply = reply }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.reply.succeed(String(buffer: self.unwrapInboundIn(data)))
        }

        func channelInactive(context: ChannelHandlerContext) { self.reply.fail(ChannelError.eof) }
    }
}
