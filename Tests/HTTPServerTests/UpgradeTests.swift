import HTTPServer
import NIOCore
import Testing

/// Connections that go on with another protocol.
struct UpgradeTests {
    /// Sends everything back in capitals.
    private final class Capitals: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func handlerAdded(context: ChannelHandlerContext) { context.read() }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: self.unwrapInboundIn(data)).uppercased()
            context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        }

        func channelReadComplete(context: ChannelHandlerContext) { context.read() }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event is ChannelShouldQuiesceEvent { context.close(promise: nil) }
        }
    }

    @Test func `The handlers of the other protocol get every byte behind the request`() async throws {
        try await withListener { head in
            guard head.upgrade == "capitals" else { return TestListener.echo(head) }
            return .upgrade([.connection: "Upgrade", .upgrade: "capitals"]) { channel, _ in
                try channel.pipeline.syncOperations.addHandler(Capitals())
            }
        } _: { listener in
            let connection = try await listener.connect()
            try await connection.send(
                "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
                    + "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: capitals\r\n\r\nsent with it, ")
            #expect(try await connection.received { $0.text.hasSuffix("\r\n\r\nSENT WITH IT, ") } != nil)
            try await connection.send("sent later")
            let text = try #require(try await connection.received { $0.text.hasSuffix("SENT LATER") }).text
            #expect(text.contains("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: capitals\r\n"))
            // A stop asks it to end, and waits for it.
            await listener.stop()
            #expect(try await connection.all() != nil)
        }
    }
}
