import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import TLS
import TestKit

/// A connection to a listener on loopback that sends any bytes and keeps what comes back.
final class RawConnection: Sendable {
    private let channel: any Channel
    private let received: NIOLockedValueBox<Received>

    struct Received: Sendable {
        var bytes: [UInt8] = []
        /// The other side has closed, or reset.
        var isOver = false
        /// What TLS says of the end.
        var error: TLSError?

        var text: String { String(decoding: self.bytes, as: UTF8.self) }
        /// The same with line ends of one byte: to a regular expression CR LF is one character.
        var lines: String { String(decoding: self.bytes.filter { $0 != 13 }, as: UTF8.self) }
        /// The statuses of all answers in it, in order; bodies may not hold a status line.
        var statuses: [Int] { self.text.matches(of: #/HTTP/1\.1 (\d{3}) /#).compactMap { Int($0.output.1) } }
    }

    private init(_ channel: any Channel, _ received: NIOLockedValueBox<Received>) {
        self.channel = channel
        self.received = received
    }

    /// - Parameters:
    ///   - reads: False for a peer that takes nothing, with the smallest buffer there is.
    ///   - tls: What it is encrypted with; nil: it is in the clear.
    /// - Throws: What connecting throws, or the handshake.
    static func open(port: Int, reads: Bool = true, tls: TLSContext? = nil) async throws -> RawConnection {
        let established = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
        if tls == nil { established.succeed() }
        let received = NIOLockedValueBox(Received())
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: reads)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(
                            TLSHandler.client(tls, to: "localhost", established: established))
                    }
                    try channel.pipeline.syncOperations.addHandler(Recorder(received))
                }
            }
        let channel = try await (reads ? bootstrap : bootstrap.channelOption(.socketOption(.so_rcvbuf), value: 4096))
            .connect(host: "127.0.0.1", port: port).get()
        try await established.futureResult.get()
        return RawConnection(channel, received)
    }

    func send(_ text: String) async throws { try await self.send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws { try await self.channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    func closeOutput() async throws { try await self.channel.close(mode: .output) }

    func startReading() async throws { try await self.channel.setOption(.autoRead, value: true).get() }

    func reset() async throws {
        try await (self.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await self.channel.close()
    }

    func close() async {
        // Closed already is as good.
        try? await self.channel.close()
    }

    var soFar: Received { self.received.withLockedValue { $0 } }

    /// What was received, once it is as expected; nil when it never is.
    func received(_ isAsExpected: (Received) -> Bool) async throws -> Received? {
        try await eventually(every: .milliseconds(2)) {
            let received = self.soFar
            return isAsExpected(received) ? received : nil
        }
    }

    /// What was received until the other side closed; nil when it does not.
    func all() async throws -> Received? { try await self.received { $0.isOver } }
}

private final class Recorder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let received: NIOLockedValueBox<RawConnection.Received>

    init(_ received: NIOLockedValueBox<RawConnection.Received>) {
        self.received = received
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = self.unwrapInboundIn(data)
        self.received.withLockedValue { $0.bytes += part.readableBytesView }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { self.received.withLockedValue { $0.isOver = true } }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.received.withLockedValue { $0.isOver = true }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.received.withLockedValue { $0.error = error as? TLSError }
        context.close(promise: nil)
    }
}
