import NIOConcurrencyHelpers
package import NIOCore
import NIOPosix

/// What a server answered.
package struct HTTPReply: Sendable, CustomStringConvertible {
    package let status: Int
    /// Names as sent, in order.
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]

    package var text: String { String(decoding: self.body, as: UTF8.self) }

    /// The first value of a header; the name in any case.
    package subscript(_ name: String) -> String? {
        self.headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    package var description: String { "\(self.status) \(self.text)" }
}

/// An HTTP/1.1 client for tests: one connection, one request at a time, and no opinion about what may be sent.
///
/// A polite client would refuse to send half of what the tests of a server must send.
package final class HTTPCaller: Sendable {
    package enum Failure: Error, Sendable, Equatable {
        /// The server closed before its answer was complete. Whether it acted is unknown.
        case closed
        /// No complete answer in time.
        case silent
        case malformed
    }

    private let host: String
    private let port: Int
    private let open = NIOLockedValueBox<(any Channel)?>(nil)

    /// - Parameter address: `host:port`, as a ready file says it.
    package init(_ address: String) {
        let colon = address.lastIndex(of: ":") ?? address.endIndex
        self.host = address[..<colon].filter { $0 != "[" && $0 != "]" }
        self.port = Int(address[colon...].dropFirst()) ?? 0
    }

    /// Sends a request and waits for the answer.
    ///
    /// `Host` is always sent, `Content-Length` whenever there is a body and `headers` do not say otherwise.
    package func send(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: String? = nil,
        within limit: TimeAmount = .seconds(30)
    ) async throws -> HTTPReply {
        var text = "\(method) \(path) HTTP/1.1\r\nHost: \(self.host):\(self.port)\r\n"
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        let named = Set(headers.map { $0.0.lowercased() })
        if let body, named.isDisjoint(with: ["content-length", "transfer-encoding"]) {
            text += "Content-Length: \(body.utf8.count)\r\n"
        }
        return try await self.send(raw: text + "\r\n" + (body ?? ""), hasBody: method != "HEAD", within: limit)
    }

    /// Sends these very bytes and waits for one answer.
    ///
    /// - Parameter hasBody: False for HEAD, whose answer ends with its head whatever it declares.
    package func send(raw: String, hasBody: Bool = true, within limit: TimeAmount = .seconds(30)) async throws
        -> HTTPReply
    {
        try await self.send(bytes: Array(raw.utf8), hasBody: hasBody, within: limit)
    }

    /// Sends bytes that need not be text.
    package func send(bytes: [UInt8], hasBody: Bool = true, within limit: TimeAmount = .seconds(30)) async throws
        -> HTTPReply
    {
        let channel = try await self.connected()
        let promise = channel.eventLoop.makePromise(of: HTTPReply.self)
        let silence = channel.eventLoop.scheduleTask(in: limit) {
            promise.fail(Failure.silent)
            channel.close(promise: nil)
        }
        promise.futureResult.whenComplete { _ in silence.cancel() }
        channel.eventLoop.execute {
            // The handler is there since the connection was made, and deaf once the connection has ended.
            guard channel.isActive,
                let reader = try? channel.pipeline.syncOperations.handler(type: ReplyReader.self)
            else { return promise.fail(Failure.closed) }
            reader.expect(promise, hasBody: hasBody)
            channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
        }
        return try await promise.futureResult.get()
    }

    /// Closes the connection; the next request opens another.
    package func close() async {
        let channel = self.open.withLockedValue { open in
            defer { open = nil }
            return open
        }
        // Closed already is as good.
        try? await channel?.close()
    }

    private func connected() async throws -> any Channel {
        if let channel = self.open.withLockedValue({ $0 }), channel.isActive { return channel }
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(ReplyReader()) }
            }
            .connect(host: self.host, port: self.port).get()
        self.open.withLockedValue { $0 = channel }
        return channel
    }
}

/// Cuts answers out of what arrives.
private final class ReplyReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var received = ByteBuffer()
    private var waiting: EventLoopPromise<HTTPReply>?
    private var hasBody = true

    func expect(_ promise: EventLoopPromise<HTTPReply>, hasBody: Bool) {
        self.waiting = promise
        self.hasBody = hasBody
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var chunk = self.unwrapInboundIn(data)
        self.received.writeBuffer(&chunk)
        do {
            guard let (reply, length) = try self.parsed(atEnd: false) else { return }
            self.received.moveReaderIndex(forwardBy: length)
            self.received.discardReadBytes()
            let waiting = self.waiting
            self.waiting = nil
            // Closed before the answer is returned: the next request must not find the connection still open.
            if reply["connection"]?.lowercased() == "close" { context.close(promise: nil) }
            waiting?.succeed(reply)
        } catch {
            self.finish(.failure(error))
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        // An answer without a length ends with its connection.
        if let (reply, _) = try? self.parsed(atEnd: true) { self.finish(.success(reply)) }
        self.finish(.failure(HTTPCaller.Failure.closed))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.finish(.failure(HTTPCaller.Failure.closed))
        context.close(promise: nil)
    }

    private func finish(_ result: Result<HTTPReply, any Error>) {
        self.waiting?.completeWith(result)
        self.waiting = nil
    }

    /// The answer at the head of what was received, and its length in bytes; nil while it is incomplete.
    private func parsed(atEnd: Bool) throws -> (HTTPReply, Int)? {
        let bytes = Array(self.received.readableBytesView)
        guard let headEnd = Self.find([13, 10, 13, 10], in: bytes, from: 0) else { return nil }
        // Swift takes CR LF for one character, so that is what separates lines.
        let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).split(separator: "\r\n").map(String.init)
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, let status = Int(words[1]) else { throw HTTPCaller.Failure.malformed }
        let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " }))
        }
        func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }
        let start = headEnd + 4
        func reply(_ body: [UInt8]) -> HTTPReply { HTTPReply(status: status, headers: headers, body: body) }

        if !self.hasBody || status == 204 || status == 304 || status < 200 { return (reply([]), start) }
        if let length = header("content-length") {
            guard let count = Int(length), count >= 0 else { throw HTTPCaller.Failure.malformed }
            return bytes.count >= start + count ? (reply(Array(bytes[start..<start + count])), start + count) : nil
        }
        if header("transfer-encoding")?.lowercased() == "chunked" {
            var body: [UInt8] = []
            var index = start
            while let lineEnd = Self.find([13, 10], in: bytes, from: index) {
                guard let size = Int(String(decoding: bytes[index..<lineEnd], as: UTF8.self), radix: 16) else {
                    throw HTTPCaller.Failure.malformed
                }
                let next = lineEnd + 2 + size + 2
                guard bytes.count >= next else { return nil }
                if size == 0 { return (reply(body), next) }
                body += bytes[lineEnd + 2..<lineEnd + 2 + size]
                index = next
            }
            return nil
        }
        return atEnd ? (reply(Array(bytes[start...])), bytes.count) : nil
    }

    private static func find(_ pattern: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= start + pattern.count else { return nil }
        return (start...(bytes.count - pattern.count)).first { bytes[$0..<$0 + pattern.count].elementsEqual(pattern) }
    }
}
