import Foundation
import NIOConcurrencyHelpers
import NIOCore

/// What all connections of a receiver write into.
final class ReceiverLedger: Sendable {
    private struct State {
        var requests: [ReceivedRequest] = []
        var answers: [String: ReceiverAnswer]
        var counts: [String: Int] = [:]
        var open: [Int: any Channel] = [:]
        var connections = 0
        /// Connections of lower numbers are reset at their next byte.
        var closedBelow = 0
    }

    private let state: NIOLockedValueBox<State>

    init(answers: [String: ReceiverAnswer]) {
        self.state = NIOLockedValueBox(State(answers: answers))
    }

    var requests: [ReceivedRequest] { self.state.withLockedValue { $0.requests } }
    var count: Int { self.state.withLockedValue { $0.requests.count } }
    var openConnections: Int { self.state.withLockedValue { $0.open.count } }
    var connections: Int { self.state.withLockedValue { $0.connections } }

    func setAnswer(_ answer: ReceiverAnswer, for path: String) {
        self.state.withLockedValue { $0.answers[path] = answer }
    }

    func opened(_ channel: any Channel) -> Int {
        self.state.withLockedValue { state in
            defer { state.connections += 1 }
            state.open[state.connections] = channel
            return state.connections
        }
    }

    func closeAtNextByte() {
        self.state.withLockedValue { $0.closedBelow = $0.connections }
    }

    func isClosing(_ connection: Int) -> Bool {
        self.state.withLockedValue { connection < $0.closedBelow }
    }

    func closed(_ connection: Int) {
        self.state.withLockedValue { $0.open[connection] = nil }
    }

    func closeAll() {
        for channel in self.state.withLockedValue({ Array($0.open.values) }) { channel.close(promise: nil) }
    }

    /// Writes a request down and says what to do about it.
    func record(_ request: ReceivedRequest) -> ReceiverAnswer {
        self.state.withLockedValue { state in
            state.requests.append(request)
            let path = request.path
            let index = state.counts[path, default: 0]
            state.counts[path] = index + 1
            let answer = state.answers[path] ?? .status(204)
            guard case .sequence(let answers) = answer else { return answer }
            return answers[min(index, answers.count - 1)]
        }
    }
}

/// One connection of a receiver: reads requests one after the other and answers as its path is configured to.
final class ReceiverConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let ledger: ReceiverLedger
    private var number = 0
    private var received = ByteBuffer()
    private var requests = 0
    /// Set while an answer is still to come: the next request waits for it.
    private var isBusy = false
    private var isFlooding = false

    init(ledger: ReceiverLedger) {
        self.ledger = ledger
    }

    func channelActive(context: ChannelHandlerContext) {
        self.number = self.ledger.opened(context.channel)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.ledger.closed(self.number)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The other side broke the connection, as it may.
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if self.ledger.isClosing(self.number) { return self.reset(context: context) }
        var bytes = self.unwrapInboundIn(data)
        self.received.writeBuffer(&bytes)
        // A method starts with a capital and a TLS greeting does not: answer that as a server without TLS would.
        if let first = self.received.readableBytesView.first, !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first) {
            self.write("HTTP/1.1 400 Bad Request\r\n\r\n", context: context)
            return context.close(promise: nil)
        }
        self.serve(context: context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if self.isFlooding { self.flood(context: context) }
        context.fireChannelWritabilityChanged()
    }

    private func serve(context: ChannelHandlerContext) {
        while !self.isBusy, let request = self.nextRequest() {
            self.requests += 1
            self.carryOut(self.ledger.record(request), context: context)
        }
    }

    private func nextRequest() -> ReceivedRequest? {
        let view = self.received.readableBytesView
        guard let headEnd = view.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: view[..<headEnd.lowerBound], as: UTF8.self)
            .split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines[0].split(separator: " ")
        let headers = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return (
                name: parts[0].lowercased(),
                value: parts.count == 2 ? String(parts[1]).trimmingCharacters(in: .whitespaces) : ""
            )
        }
        let length = headers.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
        let headBytes = headEnd.upperBound - view.startIndex
        guard self.received.readableBytes >= headBytes + length else { return nil }
        self.received.moveReaderIndex(forwardBy: headBytes)
        let body = self.received.readBytes(length: length) ?? []
        self.received.discardReadBytes()
        return ReceivedRequest(
            method: words.first.map(String.init) ?? "", uri: words.count > 1 ? String(words[1]) : "",
            headers: headers, body: body, arrivedAt: .now, arrivedAtSeconds: time(nil), connection: self.number)
    }

    private func carryOut(_ answer: ReceiverAnswer, context: ChannelHandlerContext) {
        switch answer {
        case .status(let code, let headers, let body):
            let extra = headers.map { "\($0.0): \($0.1)\r\n" }.joined()
            let length = code == 204 ? "" : "content-length: \(body.utf8.count)\r\n"
            self.write("HTTP/1.1 \(code) Status\r\n\(extra)\(length)\r\n\(body)", context: context)
        case .sequence(let answers):
            if let first = answers.first { self.carryOut(first, context: context) }
        case .delayed(let delay, let answer):
            self.isBusy = true
            self.later(delay, context: context) { connection, context in
                connection.isBusy = false
                connection.carryOut(answer, context: context)
                connection.serve(context: context)
            }
        case .raw(let text, let closes):
            self.isBusy = true
            self.write(text, context: context)
            if closes { context.close(promise: nil) }
        case .cutOff(let text):
            self.write(text, context: context)
            // Sent on before the reset, which would take it along.
            self.later(.milliseconds(50), context: context) { connection, context in connection.reset(context: context)
            }
        case .hang:
            self.isBusy = true
        case .close:
            context.close(promise: nil)
        case .reset:
            self.reset(context: context)
        case .oncePerConnection:
            if self.requests > 1 {
                context.close(promise: nil)
            } else {
                self.write("HTTP/1.1 204 Status\r\n\r\n", context: context)
            }
        case .endlessBody:
            self.isBusy = true
            self.isFlooding = true
            self.write("HTTP/1.1 200 Status\r\ncontent-length: 1000000000000\r\n\r\n", context: context)
            self.flood(context: context)
        case .drip(let pause):
            self.isBusy = true
            self.write("HTTP/1.1 200 Status\r\ncontent-length: 1000000\r\n\r\n", context: context)
            self.drip(every: pause, context: context)
        }
    }

    private func write(_ text: String, context: ChannelHandlerContext) {
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }

    private func flood(context: ChannelHandlerContext) {
        let chunk = ByteBuffer(repeating: UInt8(ascii: "x"), count: 16_384)
        while context.channel.isActive, context.channel.isWritable {
            context.writeAndFlush(self.wrapOutboundOut(chunk), promise: nil)
        }
    }

    private func drip(every pause: TimeAmount, context: ChannelHandlerContext) {
        self.later(pause, context: context) { connection, context in
            guard context.channel.isActive else { return }
            connection.write("x", context: context)
            connection.drip(every: pause, context: context)
        }
    }

    /// SO_LINGER of zero makes the close a reset.
    private func reset(context: ChannelHandlerContext) {
        self.isBusy = true
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        // Every channel of NIOPosix is one; without the option the close is merely less rude.
        guard let socket = context.channel as? any SocketOptionProvider else { return context.close(promise: nil) }
        socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in bound.value.close(promise: nil) }
    }

    private func later(
        _ delay: TimeAmount, context: ChannelHandlerContext,
        _ action: @escaping @Sendable (ReceiverConnection, ChannelHandlerContext) -> Void
    ) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: delay) { action(bound.value.0, bound.value.1) }
    }
}
