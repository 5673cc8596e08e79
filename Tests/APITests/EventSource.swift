import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import TestKit

/// A client of server-sent events, on a connection of its own.
final class EventSource: Sendable {
    struct Event: Sendable, Equatable {
        var id: String?
        var name = "message"
        var data: [String] = []

        var text: String { self.data.joined(separator: "\n") }
    }

    fileprivate struct State {
        var bytes = ""
        var isBehindHead = false
        var head = ""
        var body = ""
        var events: [Event] = []
        var comments = 0
        var isOver = false
    }

    private let channel: any Channel
    private let state: NIOLockedValueBox<State>

    private init(_ channel: any Channel, _ state: NIOLockedValueBox<State>) {
        self.channel = channel
        self.state = state
    }

    /// - Parameter reads: Whether it reads what comes.
    static func open(
        _ address: String, _ target: String, headers: [(String, String)] = [], reads: Bool = true
    ) async throws -> EventSource {
        let state = NIOLockedValueBox(State())
        let parts = address.split(separator: ":")
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.autoRead, value: reads)
            .channelOption(.socketOption(.so_rcvbuf), value: reads ? 1 << 20 : 4096)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Reader(state: state))
                }
            }
            .connect(host: String(parts[0]), port: Int(parts[1]) ?? 0).get()
        let fields = headers.map { "\($0.0): \($0.1)\r\n" }.joined()
        let request = "GET \(target) HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\(fields)\r\n"
        try await channel.writeAndFlush(ByteBuffer(string: request))
        return EventSource(channel, state)
    }

    /// Waits for the next event; nil when the stream is over.
    func next() async throws -> Event? {
        let event = try await eventually { () -> Event?? in
            self.state.withLockedValue { state in
                if !state.events.isEmpty { return .some(state.events.removeFirst()) }
                return state.isOver ? .some(nil) : nil
            }
        }
        return event ?? nil
    }

    /// Events that wait to be taken.
    var waiting: Int { self.state.withLockedValue { $0.events.count } }
    var isOver: Bool { self.state.withLockedValue { $0.isOver } }

    /// Waits for the head of the answer.
    func head() async throws -> String {
        try await eventually { self.state.withLockedValue { $0.isBehindHead || $0.isOver ? $0.head : nil } } ?? ""
    }

    func close() async { try? await self.channel.close() }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let state: NIOLockedValueBox<State>

        init(state: NIOLockedValueBox<State>) { self.state = state }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: self.unwrapInboundIn(data))
            self.state.withLockedValue { $0.take(text) }
        }

        func channelInactive(context: ChannelHandlerContext) { self.state.withLockedValue { $0.isOver = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

extension EventSource.State {
    fileprivate mutating func take(_ text: String) {
        self.bytes += text
        if !self.isBehindHead {
            guard let end = self.bytes.firstRange(of: "\r\n\r\n") else { return }
            self.head = String(self.bytes[..<end.lowerBound])
            self.bytes.removeSubrange(..<end.upperBound)
            self.isBehindHead = true
        }
        // Chunks, whose bytes are counted.
        while let line = self.bytes.firstRange(of: "\r\n"), let size = Int(self.bytes[..<line.lowerBound], radix: 16),
            self.bytes[line.upperBound...].utf8.count >= size + 2
        {
            let end = self.bytes.utf8.index(line.upperBound, offsetBy: size)
            self.body += self.bytes[line.upperBound..<end]
            self.bytes.removeSubrange(..<self.bytes.utf8.index(end, offsetBy: 2))
            if size == 0 { self.isOver = true }
        }
        while let end = self.body.firstRange(of: "\n\n") {
            let block = self.body[..<end.lowerBound]
            var event = EventSource.Event()
            for line in block.split(separator: "\n") {
                if line.hasPrefix("id: ") { event.id = String(line.dropFirst(4)) }
                if line.hasPrefix("event: ") { event.name = String(line.dropFirst(7)) }
                if line.hasPrefix("data: ") { event.data.append(String(line.dropFirst(6))) }
                if line.hasPrefix(":") { self.comments += 1 }
            }
            if !event.data.isEmpty || event.id != nil { self.events.append(event) }
            self.body.removeSubrange(..<end.upperBound)
        }
    }
}
