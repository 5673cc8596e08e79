import NIOCore
import NIOEmbedded
import TLS
import TestKit

/// A server and a client that speak TLS to each other in memory.
final class HandlerPair {
    let client: Side
    let server: Side

    /// One of the two, with what it has read.
    final class Side {
        private let channel = EmbeddedChannel()
        private let recorder: Recorder
        /// What it has sent, before the other side has it.
        var sent: [UInt8] = []

        var received: [UInt8] { self.recorder.received }
        var errors: [TLSError] { self.recorder.errors }
        var isInputClosed: Bool { self.recorder.isInputClosed }
        /// Answers that could not be written.
        var refusedAnswers: Int { self.recorder.refusedAnswers }

        /// - Parameter answer: Written to each read at once; nil: nothing is.
        init(_ handler: TLSHandler, answer: [UInt8]? = nil) throws {
            self.recorder = Recorder(answer)
            try self.channel.pipeline.syncOperations.addHandlers([handler, self.recorder])
        }

        var isActive: Bool { self.channel.isActive }

        func connect() throws { try self.channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait() }

        func write(_ bytes: [UInt8]) throws { try self.channel.writeAndFlush(ByteBuffer(bytes: bytes)).wait() }

        func collect() throws {
            while let part = try self.channel.readOutbound(as: ByteBuffer.self) { self.sent += part.readableBytesView }
        }

        /// Has bytes arrive as one read of a socket.
        func receive(_ bytes: some Sequence<UInt8>) throws { try self.channel.writeInbound(ByteBuffer(bytes: bytes)) }

        /// What is written waits from here on: the other side does not read.
        func stall() { self.channel.isWritable = false }

        /// The socket below brings nothing any more.
        func endInput() { self.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }

        func breakOff() throws { try self.channel.triggerUserOutboundEvent(TLSHandler.Break()).wait() }

        func close() throws {
            // Closed already is as good.
            try? self.channel.close().wait()
            try self.collect()
        }
    }

    private final class Recorder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let answer: [UInt8]?
        var received: [UInt8] = []
        var errors: [TLSError] = []
        var isInputClosed = false
        var refusedAnswers = 0

        init(_ answer: [UInt8]?) {
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.received += self.unwrapInboundIn(data).readableBytesView
            guard let answer = self.answer else { return }
            context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(bytes: answer))).assumeIsolated().whenFailure { _ in
                self.refusedAnswers += 1
            }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event as? ChannelEvent == .inputClosed { self.isInputClosed = true }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if let error = error as? TLSError { self.errors.append(error) }
        }
    }

    /// - Parameters:
    ///   - name: What the client calls the server.
    ///   - answer: What the server writes to each read at once; nil: nothing.
    init(
        _ contexts: Contexts, to name: String = "localhost", clearTextAnswer: ByteBuffer? = nil, answer: [UInt8]? = nil
    ) throws {
        self.server = try Side(.server(contexts.server, clearTextAnswer: clearTextAnswer), answer: answer)
        let loop = EmbeddedEventLoop()
        self.client = try Side(.client(contexts.client, to: name, established: loop.makePromise()))
        try self.server.connect()
        try self.client.connect()
    }

    /// Hands bytes over until neither side has any.
    ///
    /// - Parameter size: How many arrive at once, of those that are there.
    func exchange(_ size: (Int) -> Int = { $0 }) throws {
        while true {
            try self.client.collect()
            try self.server.collect()
            guard !self.client.sent.isEmpty || !self.server.sent.isEmpty else { return }
            try Self.pass(self.client, self.server, size)
            try Self.pass(self.server, self.client, size)
        }
    }

    private static func pass(_ from: Side, _ to: Side, _ size: (Int) -> Int) throws {
        guard !from.sent.isEmpty else { return }
        let count = max(1, min(from.sent.count, size(from.sent.count)))
        let part = from.sent.prefix(count)
        from.sent.removeFirst(count)
        if to.isActive { try to.receive(part) }
    }
}

/// The contexts of two sides that know each other.
struct Contexts {
    let server: TLSContext
    let client: TLSContext

    /// - Parameters:
    ///   - names: What the certificate of the server is for.
    ///   - end: When it ends, in seconds from now.
    ///   - authority: Who signs it.
    ///   - believed: Whom the client believes; nil: the same.
    ///   - client: Of the certificate of the client; nil: it has none.
    ///   - asks: Whose certificates the server asks for; nil: of none.
    static func made(
        for names: [String] = ["DNS:localhost", "IP:127.0.0.1", "IP:::1"], until end: Int = 3600,
        by authority: TestAuthority? = nil, believed: TestAuthority? = nil, client: TestAuthority.Issued? = nil,
        asks: TestAuthority? = nil
    ) async throws -> Contexts {
        try await withTemporaryFolder { folder in
            let authority = try authority ?? TestAuthority()
            let own = try authority.issue(for: names, until: end).write(to: folder)
            let shown = try client?.write(to: folder, as: "client")
            return Contexts(
                server: try .server(
                    TLSFiles(
                        certificate: own.certificate, key: own.key,
                        authorities: try asks?.write(to: folder, as: "asks.crt"))),
                client: try .client(
                    TLSFiles(
                        certificate: shown?.certificate, key: shown?.key,
                        authorities: try (believed ?? authority).write(to: folder))))
        }
    }
}
