import ArgumentParser
import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix

/// Takes webhooks as fast as it can, and counts them.
///
/// `GET /figures` answers what came since `GET /reset`, as one JSON object; latencies are from the `"t":` of a body,
/// nanoseconds since the epoch, to its arrival. A path `/slow…` is answered after the delay, `/busy…` always with 503, and
/// `/flaky…` with 503 at the first attempt only, which is how ``Drift`` is measured.
struct Sink: AsyncParsableCommand {
    @Option var port: Int
    @Option(help: "Loopback addresses to listen on, from 127.0.0.1 on: many hosts, as subscribers have.") var hosts = 1
    @Option(help: "Milliseconds until a path that begins with /slow is answered.") var delay: Int64 = 1000
    @Option(help: "Seconds that a policy waits before the retry of a path that begins with /flaky.") var wait: Int64 = 0

    func run() async throws {
        let tally = Tally(waitSeconds: self.wait)
        let delay = TimeAmount.milliseconds(self.delay)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 8192)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: false)
                    try channel.pipeline.syncOperations.addHandler(SinkHandler(tally: tally, delay: delay))
                }
            }
        let first = try await server.bind(host: "127.0.0.1", port: self.port).get()
        for host in 1..<max(1, self.hosts) {
            _ = try await server.bind(host: "127.0.0.\(host + 1)", port: self.port).get()
        }
        try await first.closeFuture.get()
    }
}

private final class Tally: Sendable {
    struct Figures {
        var arrivals = Arrivals()
        var underWay = 0
        var underWayMax = 0
        var drift: Drift
    }

    let figures: NIOLockedValueBox<Figures>
    private let waitSeconds: Int64

    init(waitSeconds: Int64) {
        self.waitSeconds = waitSeconds
        self.figures = NIOLockedValueBox(Figures(drift: Drift(waitSeconds: waitSeconds)))
    }

    func arrived(postedNs: Int64?) {
        let now = Stamp.nowNs()
        self.figures.withLockedValue { figures in
            figures.arrivals.arrived(postedNs: postedNs, at: now)
            figures.underWay += 1
            figures.underWayMax = max(figures.underWayMax, figures.underWay)
        }
    }

    func answered() { self.figures.withLockedValue { $0.underWay -= 1 } }

    /// An attempt of a delivery, of which the first is to be refused.
    func attempted(_ delivery: String, isFirst: Bool) {
        let now = Stamp.nowNs()
        self.figures.withLockedValue { figures in
            if isFirst { figures.drift.answered(delivery, at: now) } else { figures.drift.retried(delivery, at: now) }
        }
    }

    func reset() { self.figures.withLockedValue { $0 = Figures(drift: Drift(waitSeconds: self.waitSeconds)) } }

    var json: String {
        let figures = self.figures.withLockedValue { $0 }
        return #"{"requests":\#(figures.arrivals.count),"under_way_max":\#(figures.underWayMax),"#
            + figures.arrivals.json + "," + figures.drift.json + "}"
    }
}

private final class SinkHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let tally: Tally
    private let delay: TimeAmount
    private var uri = ""
    private var headers = HTTPHeaders()
    private var body = ByteBuffer()

    init(tally: Tally, delay: TimeAmount) {
        self.tally = tally
        self.delay = delay
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch self.unwrapInboundIn(data) {
        case .head(let head):
            self.uri = head.uri
            self.headers = head.headers
            self.body.clear()
        case .body(var part): self.body.writeBuffer(&part)
        case .end: self.handle(context)
        }
    }

    private func handle(_ context: ChannelHandlerContext) {
        switch self.uri {
        case "/figures": context.answer(self.tally.json)
        case "/reset":
            self.tally.reset()
            context.answer("{}")
        default:
            self.tally.arrived(postedNs: Stamp.posted(in: self.body))
            guard self.uri.hasPrefix("/slow") else {
                self.tally.answered()
                return context.answer(nil, self.status())
            }
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: self.delay) {
                handler.value.tally.answered()
                bound.value.answer(nil)
            }
        }
    }

    private func status() -> HTTPResponseStatus {
        if self.uri.hasPrefix("/busy") { return .serviceUnavailable }
        guard self.uri.hasPrefix("/flaky"), let delivery = self.headers.first(name: "webhook-id") else { return .ok }
        let isFirst = self.headers.first(name: "herald-attempt") == "1"
        self.tally.attempted(delivery, isFirst: isFirst)
        return isFirst ? .serviceUnavailable : .ok
    }
}
