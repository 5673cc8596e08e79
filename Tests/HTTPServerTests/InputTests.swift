import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPServer

/// What a connection keeps of what has arrived.
struct InputTests {
    @Test func `A peer that always leaves a byte unread has none of what it sent before kept`() throws {
        let core = ListenerCore(
            limits: HTTPLimits(), logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            respond: { _ in .answer(HTTPAnswer(.ok, "now", type: "text/plain")) }, refuse: HTTPListener.refusal,
            isProxy: { _ in false })
        let channel = EmbeddedChannel()
        let connection = HTTPConnection(core, ListenerLoop(core, channel.eventLoop), channel)
        try channel.pipeline.syncOperations.addHandler(connection)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        let fields = (0..<4).map { "X-\($0): " + String(repeating: "x", count: 12_000) + "\r\n" }.joined()
        try channel.writeInbound(ByteBuffer(string: "G"))
        for _ in 0..<200 { try channel.writeInbound(ByteBuffer(string: "ET / HTTP/1.1\r\nHost: x\r\n\(fields)\r\nG")) }
        var answered = 0
        while try channel.readOutbound(as: ByteBuffer.self) != nil { answered += 1 }
        #expect(answered >= 200)
        // They were 9.6 MB.
        #expect(connection.input.readableBytes == 1 && connection.input.capacity < 1 << 20)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }
}
