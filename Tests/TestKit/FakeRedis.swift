import Foundation
import NIOCore
import NIOPosix

/// A server that speaks just enough of Redis' protocol to be asked what it is: for versions that are not installed.
///
/// - Parameter info: The answer to `INFO`; `ROLE` is that of a master, and everything else is answered `+OK`.
package func withFakeRedis<Result>(info: String, _ body: (_ url: String) async throws -> Result) async throws -> Result
{
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(Answering(info: info))
            }
        }
        .bind(host: "127.0.0.1", port: 0).get()
    let result: Result
    do {
        result = try await body("redis://127.0.0.1:\(listener.localAddress?.port ?? 0)")
    } catch {
        try await listener.close()
        throw error
    }
    try await listener.close()
    return result
}

private final class Answering: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let info: String
    private var text = ""

    init(info: String) { self.info = info }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.text += String(buffer: self.unwrapInboundIn(data))
        while let command = self.nextCommand() {
            let answer =
                switch command {
                case "INFO": "$\(self.info.utf8.count)\r\n\(self.info)\r\n"
                case "ROLE": "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
                default: "+OK\r\n"
                }
            context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
        }
    }

    /// The first word of the next whole command; nil while it is not here.
    private func nextCommand() -> String? {
        let lines = self.text.components(separatedBy: "\r\n")
        guard let head = lines.first, head.hasPrefix("*"), let count = Int(head.dropFirst()) else { return nil }
        guard lines.count > 2 * count + 1 else { return nil }
        self.text = lines[(2 * count + 1)...].joined(separator: "\r\n")
        return lines[2].uppercased()
    }
}
