import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A client of the WebSocket protocol that can also do what none may.
package final class WebSocketClient: Sendable {
    /// A frame of the server.
    package struct Frame: Sendable, Equatable {
        package let opcode: UInt8
        package let payload: [UInt8]

        package var text: String { String(decoding: self.payload, as: UTF8.self) }
        /// Of a close frame.
        package var code: Int? { self.payload.count < 2 ? nil : Int(self.payload[0]) << 8 | Int(self.payload[1]) }
        package var reason: String { String(decoding: self.payload.dropFirst(2), as: UTF8.self) }
    }

    private struct Received {
        var bytes: [UInt8] = []
        /// Behind the head of the handshake.
        var head: String?
        var frames: [Frame] = []
        var isOver = false
    }

    package struct NotReceived: Error {}

    private let channel: any Channel
    private let received: NIOLockedValueBox<Received>
    /// Frames that were looked at.
    private let taken = NIOLockedValueBox(0)

    private init(_ channel: any Channel, _ received: NIOLockedValueBox<Received>) {
        self.channel = channel
        self.received = received
    }

    package static let headers = [
        ("Host", "x"), ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]

    /// - Parameters:
    ///   - reads: False for a peer that takes nothing behind the handshake.
    ///   - hasSmallBuffer: Whether its kernel takes as little as can be.
    ///   - bytes: What is sent with the request.
    package static func connect(
        _ address: String, path: String = "/", headers: [(String, String)] = headers, reads: Bool = true,
        hasSmallBuffer: Bool = false, method: String = "GET", behind bytes: [UInt8] = []
    ) async throws -> WebSocketClient {
        let received = NIOLockedValueBox(Received())
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Recorder(received))
                }
            }
        let parts = address.split(separator: ":")
        let channel = try await
            (reads && !hasSmallBuffer ? bootstrap : bootstrap.channelOption(.socketOption(.so_rcvbuf), value: 4096))
            .connect(host: String(parts[0]), port: Int(parts[1]) ?? 0).get()
        let client = WebSocketClient(channel, received)
        let head = headers.map { "\($0.0): \($0.1)\r\n" }.joined()
        try await channel.writeAndFlush(
            ByteBuffer(bytes: Array("\(method) \(path) HTTP/1.1\r\n\(head)\r\n".utf8) + bytes))
        _ = try await client.head()
        if !reads { try await client.setReading(false) }
        return client
    }

    package func setReading(_ isReading: Bool) async throws {
        try await self.channel.setOption(.autoRead, value: isReading).get()
    }

    /// The answer to the handshake.
    package func head() async throws -> String {
        let head = try await eventually(every: .milliseconds(1)) { () -> String? in
            self.received.withLockedValue { $0.head ?? ($0.isOver ? String(decoding: $0.bytes, as: UTF8.self) : nil) }
        }
        guard let head else { throw NotReceived() }
        return head
    }

    // MARK: - Out

    package func send(bytes: [UInt8]) async throws { try await self.channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    /// - Parameters:
    ///   - first: FIN, reserved bits and opcode.
    ///   - isMasked: What clients have to do.
    package func send(_ first: UInt8, _ payload: [UInt8], isMasked: Bool = true) async throws {
        try await self.send(bytes: Self.frame(first, payload, isMasked: isMasked))
    }

    package static func frame(_ first: UInt8, _ payload: [UInt8], isMasked: Bool = true) -> [UInt8] {
        let bit: UInt8 = isMasked ? 0x80 : 0
        var frame = [first]
        switch payload.count {
        case ...125: frame.append(bit | UInt8(payload.count))
        case ...0xFFFF: frame += [bit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            frame.append(bit | 127)
            frame += (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
        }
        guard isMasked else { return frame + payload }
        let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        return frame + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
    }

    package func send(text: String) async throws { try await self.send(0x81, Array(text.utf8)) }

    package func send(binary: [UInt8]) async throws { try await self.send(0x82, binary) }

    package func closeOutput() async throws { try await self.channel.close(mode: .output) }

    package func close() async {
        // Closed already is as good.
        try? await self.channel.close()
    }

    // MARK: - In

    /// The next frame, in their order; nil once the connection is over.
    package func next() async throws -> Frame? {
        let index = self.taken.withLockedValue { taken in
            defer { taken += 1 }
            return taken
        }
        let frame = try await eventually(every: .milliseconds(1)) { () -> Frame?? in
            self.received.withLockedValue { received in
                if received.frames.count > index { return .some(received.frames[index]) }
                return received.isOver ? .some(nil) : nil
            }
        }
        guard let frame else { throw NotReceived() }
        return frame
    }

    /// Frames that have arrived and were not looked at.
    package var waiting: Int { self.received.withLockedValue { $0.frames.count } - self.taken.withLockedValue { $0 } }

    /// Whether the other side has ended the connection, once it has; nil when it does not.
    package func isOver() async throws -> Bool? {
        try await eventually(every: .milliseconds(1)) { self.received.withLockedValue { $0.isOver } ? true : nil }
    }

    private final class Recorder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let received: NIOLockedValueBox<Received>

        init(_ received: NIOLockedValueBox<Received>) {
            self.received = received
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let part = self.unwrapInboundIn(data)
            self.received.withLockedValue { received in
                received.bytes += part.readableBytesView
                if received.head == nil { Self.readHead(&received) }
                while received.head != nil, let frame = Self.readFrame(&received.bytes) {
                    received.frames.append(frame)
                }
            }
        }

        private static func readHead(_ received: inout Received) {
            guard let end = received.bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
            let head = String(decoding: received.bytes[..<end.upperBound], as: UTF8.self)
            // What is refused has a body, and ends with the connection or stands for itself.
            received.head = head
            guard head.hasPrefix("HTTP/1.1 101 ") else { return }
            received.bytes.removeSubrange(..<end.upperBound)
        }

        private static func readFrame(_ bytes: inout [UInt8]) -> Frame? {
            guard bytes.count >= 2 else { return nil }
            var (length, start) = (Int(bytes[1] & 0x7F), 2)
            if length >= 126 {
                let count = length == 126 ? 2 : 8
                guard bytes.count >= 2 + count else { return nil }
                length = bytes[2..<2 + count].reduce(0) { $0 << 8 | Int($1) }
                start += count
            }
            guard bytes.count >= start + length else { return nil }
            let frame = Frame(opcode: bytes[0] & 0x0F, payload: Array(bytes[start..<start + length]))
            bytes.removeSubrange(..<(start + length))
            return frame
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event as? ChannelEvent == .inputClosed { self.received.withLockedValue { $0.isOver = true } }
        }

        func channelInactive(context: ChannelHandlerContext) { self.received.withLockedValue { $0.isOver = true } }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
