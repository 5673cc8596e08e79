import ArgumentParser
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix

/// Opens WebSocket connections that subscribe themselves, and counts the notifications that come.
///
/// `GET /figures` answers what came since `GET /reset`, as one JSON object; latencies are from the `"t":` of a body to the arrival
/// of its frame.
struct Sessions: AsyncParsableCommand {
    @Option(help: "Where the WebSocket protocol is spoken: host:port.") var address: String
    @Option(help: "Where figures are asked for.") var port: Int
    @Option var count = 1
    @Option(help: "What each connection subscribes; without it they only open.") var queue: String?
    @Flag(help: "Stops to read once it has subscribed.") var stuck = false

    /// Handshakes under way at once.
    private static let openingMax = 64

    func validate() throws {
        guard self.address.split(separator: ":").count == 2 else {
            throw ValidationError("no host:port: \(self.address)")
        }
    }

    func run() async throws {
        let tally = SessionTally()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let control = try await ServerBootstrap(group: group).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: false)
                try channel.pipeline.syncOperations.addHandler(FiguresHandler(tally: tally))
            }
        }.bind(host: "127.0.0.1", port: self.port).get()
        let parts = self.address.split(separator: ":")
        let (host, port) = (String(parts[0]), Int(parts[1]) ?? 0)
        let (queue, stuck) = (self.queue, self.stuck)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for number in 0..<self.count {
                if number >= Self.openingMax { try await tasks.next() }
                tasks.addTask {
                    let ready = group.next().makePromise(of: Void.self)
                    do {
                        _ = try await ClientBootstrap(group: group).channelInitializer { channel in
                            channel.eventLoop.makeCompletedFuture {
                                try channel.pipeline.syncOperations.addHandler(
                                    SessionClient(queue: queue, isStuck: stuck, tally: tally, ready: ready))
                            }
                        }.connect(host: host, port: port).get()
                    } catch {
                        ready.fail(error)
                    }
                    try await ready.futureResult.get()
                }
            }
            try await tasks.waitForAll()
        }
        try await control.closeFuture.get()
    }
}

private final class SessionTally: Sendable {
    private struct Figures {
        var ready = 0
        var ended = 0
        /// Of the last close frame; 0: none came.
        var code = 0
        var arrivals = Arrivals()
    }

    private let figures = NIOLockedValueBox(Figures())

    func becameReady() { self.figures.withLockedValue { $0.ready += 1 } }
    func closed(_ code: Int) { self.figures.withLockedValue { $0.code = code } }
    func ended() { self.figures.withLockedValue { $0.ended += 1 } }

    func arrived(_ notification: ByteBuffer) {
        let (posted, now) = (Stamp.posted(in: notification), Stamp.nowNs())
        self.figures.withLockedValue { $0.arrivals.arrived(postedNs: posted, at: now) }
    }

    func reset() { self.figures.withLockedValue { $0.arrivals = Arrivals() } }

    var json: String {
        let figures = self.figures.withLockedValue { $0 }
        return #"{"ready":\#(figures.ready),"ended":\#(figures.ended),"code":\#(figures.code),"#
            + #""requests":\#(figures.arrivals.count),\#(figures.arrivals.json)}"#
    }
}

private struct NotSubscribed: Error {
    let answer: String
}

private final class SessionClient: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private static let headers = #"{"Client-ID":"3381af92-2b9e-11e3-b191-71861300734c","X-Project-ID":"bench"}"#

    private let queue: String?
    private let isStuck: Bool
    private let tally: SessionTally
    /// nil once it is kept.
    private var ready: EventLoopPromise<Void>?
    private var input = ByteBuffer()
    private var isUpgraded = false

    init(queue: String?, isStuck: Bool, tally: SessionTally, ready: EventLoopPromise<Void>) {
        self.queue = queue
        self.isStuck = isStuck
        self.tally = tally
        self.ready = ready
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(NIOAny(SocketBytes.upgrade), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = self.unwrapInboundIn(data)
        if self.input.readableBytes == 0 { self.input = part } else { self.input.writeBuffer(&part) }
        if !self.isUpgraded {
            guard let head = SocketBytes.takeHead(&self.input) else { return }
            guard head.hasPrefix("HTTP/1.1 101 ") else { return self.fail(head, context) }
            self.isUpgraded = true
            if let queue = self.queue { self.subscribe(to: queue, context) } else { self.becomeReady(context) }
        }
        while let (opcode, payload) = SocketBytes.takeFrame(&self.input) { self.take(opcode, payload, context) }
        // What was read needs no storage while nothing comes.
        if self.input.readableBytes == 0 { self.input = ByteBuffer() }
    }

    private func subscribe(to queue: String, _ context: ChannelHandlerContext) {
        let request =
            #"{"action":"subscription_create","headers":\#(Self.headers),"body":{"queue_name":"\#(queue)","ttl":3600}}"#
        context.writeAndFlush(NIOAny(SocketBytes.masked(1, ByteBuffer(string: request))), promise: nil)
    }

    private func take(_ opcode: UInt8, _ payload: ByteBuffer, _ context: ChannelHandlerContext) {
        switch opcode {
        case 8: self.tally.closed(Int(payload.getInteger(at: payload.readerIndex, as: UInt16.self) ?? 0))
        case 9: context.writeAndFlush(NIOAny(SocketBytes.masked(10, payload)), promise: nil)
        case 1 where self.ready == nil: self.tally.arrived(payload)
        case 1:
            let answer = String(buffer: payload)
            guard answer.contains(#""status":201"#) else { return self.fail(answer, context) }
            self.becomeReady(context)
        default: break
        }
    }

    private func becomeReady(_ context: ChannelHandlerContext) {
        self.tally.becameReady()
        self.ready?.succeed()
        self.ready = nil
        // It is a measurement: an option that is refused shows in the figures.
        if self.isStuck { context.channel.setOption(.autoRead, value: false).whenFailure { _ in } }
    }

    private func fail(_ answer: String, _ context: ChannelHandlerContext) {
        self.ready?.fail(NotSubscribed(answer: answer))
        self.ready = nil
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.fail("the connection ended", context)
        self.tally.ended()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

private final class FiguresHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let tally: SessionTally
    private var uri = ""

    init(tally: SessionTally) {
        self.tally = tally
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head): self.uri = head.uri
        case .body: break
        case .end:
            if self.uri == "/reset" { self.tally.reset() }
            context.answer(self.tally.json)
        }
    }
}
