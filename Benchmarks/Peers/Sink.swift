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
        var requests = 0
        var underWay = 0
        var underWayMax = 0
        var firstNs: Int64 = 0
        var lastNs: Int64 = 0
        var latenciesUs: [Int64] = []
        var drift: Drift
    }

    let figures: NIOLockedValueBox<Figures>
    private let waitSeconds: Int64

    init(waitSeconds: Int64) {
        self.waitSeconds = waitSeconds
        self.figures = NIOLockedValueBox(Figures(drift: Drift(waitSeconds: waitSeconds)))
    }

    static func nowNs() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    func arrived(postedNs: Int64?) {
        let now = Self.nowNs()
        self.figures.withLockedValue { figures in
            if figures.requests == 0 { figures.firstNs = now }
            figures.lastNs = now
            figures.requests += 1
            figures.underWay += 1
            figures.underWayMax = max(figures.underWayMax, figures.underWay)
            if let postedNs { figures.latenciesUs.append((now - postedNs) / 1000) }
        }
    }

    func answered() { self.figures.withLockedValue { $0.underWay -= 1 } }

    /// An attempt of a delivery, of which the first is to be refused.
    func attempted(_ delivery: String, isFirst: Bool) {
        let now = Self.nowNs()
        self.figures.withLockedValue { figures in
            if isFirst { figures.drift.answered(delivery, at: now) } else { figures.drift.retried(delivery, at: now) }
        }
    }

    func reset() { self.figures.withLockedValue { $0 = Figures(drift: Drift(waitSeconds: self.waitSeconds)) } }

    var json: String {
        let figures = self.figures.withLockedValue { $0 }
        let sorted = figures.latenciesUs.sorted()
        func percentile(_ share: Double) -> Int64 {
            sorted.isEmpty ? 0 : sorted[Int(Double(sorted.count - 1) * share)]
        }
        return #"{"requests":\#(figures.requests),"seconds":\#(Double(figures.lastNs - figures.firstNs) / 1e9),"#
            + #""under_way_max":\#(figures.underWayMax),"min_us":\#(percentile(0)),"#
            + #""p50_us":\#(percentile(0.5)),"p99_us":\#(percentile(0.99)),"max_us":\#(percentile(1)),"#
            + figures.drift.json + "}"
    }
}

private final class SinkHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

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
        case "/figures": self.answer(context, body: self.tally.json)
        case "/reset":
            self.tally.reset()
            self.answer(context, body: "{}")
        default:
            self.tally.arrived(postedNs: Self.posted(in: self.body))
            guard self.uri.hasPrefix("/slow") else {
                self.tally.answered()
                return self.answer(context, body: nil, status: self.status())
            }
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: self.delay) {
                handler.value.tally.answered()
                handler.value.answer(bound.value, body: nil)
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

    private func answer(_ context: ChannelHandlerContext, body: String?, status: HTTPResponseStatus = .ok) {
        var headers = HTTPHeaders()
        headers.add(name: "content-length", value: String(body?.utf8.count ?? 0))
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        if let body { context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil) }
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
    }

    /// The number behind `"t":`, which a row puts into what it posts.
    private static func posted(in body: ByteBuffer) -> Int64? {
        let mark = #""t":"#
        // By the C library: of bodies of 260 kB a search in Swift would take more time than all else.
        let found = body.withUnsafeReadableBytes { bytes -> Int? in
            var from = 0
            while from + mark.utf8.count <= bytes.count, let start = bytes.baseAddress?.advanced(by: from),
                let quote = memchr(start, 34, bytes.count - from)
            {
                from += UnsafeRawPointer(quote) - start
                if bytes.dropFirst(from).prefix(mark.utf8.count).elementsEqual(mark.utf8) { return from }
                from += 1
            }
            return nil
        }
        guard let found else { return nil }
        let bytes = body.readableBytesView.dropFirst(found + mark.utf8.count)
        var number: Int64 = 0
        for byte in bytes {
            guard (48...57).contains(byte) else { break }
            number = number * 10 + Int64(byte - 48)
        }
        return number
    }
}
