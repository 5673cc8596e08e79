import API
import NIOCore
import TestKit
import Testing

/// What is read of the bytes of a client.
struct WebSocketFrameTests {
    private static let messageBytesMax = 1 << 20

    /// Everything that is read of bytes which arrive in pieces, and the fault that ends them.
    static func read(
        _ bytes: [UInt8], piece: Int = .max, messageBytesMax: Int = messageBytesMax
    ) -> (events: [FrameReader.Event], fault: FrameFault?) {
        var reader = FrameReader(messageBytesMax: messageBytesMax)
        var input = ByteBuffer()
        var events: [FrameReader.Event] = []
        var rest = bytes[...]
        do {
            while !rest.isEmpty {
                input.writeBytes(rest.prefix(piece))
                rest = rest.dropFirst(piece)
                while let event = try reader.next(&input) { events.append(event) }
            }
            return (events, nil)
        } catch {
            return (events, error)
        }
    }

    private func text(_ text: String) -> FrameReader.Event { .message(.text, ByteBuffer(string: text)) }

    @Test(arguments: [1, 2, 3, 7, 64, .max])
    func `Frames are read whole, whatever pieces their bytes arrive in`(piece: Int) {
        let long = String(repeating: "ä", count: 70_000)
        let bytes =
            WebSocketClient.frame(0x81, Array("{}".utf8)) + WebSocketClient.frame(0x82, [1, 2, 3])
            + WebSocketClient.frame(0x81, []) + WebSocketClient.frame(0x81, [UInt8](repeating: 97, count: 126))
            + WebSocketClient.frame(0x01, Array(long.utf8.prefix(70_001))) + WebSocketClient.frame(0x89, [9])
            + WebSocketClient.frame(0x00, []) + WebSocketClient.frame(0x8A, [])
            + WebSocketClient.frame(0x80, Array(long.utf8.dropFirst(70_001)))
            + WebSocketClient.frame(0x88, [0x03, 0xE8, 98])
            + WebSocketClient.frame(0x88, [])
        let (events, fault) = Self.read(bytes, piece: piece)
        #expect(fault == nil)
        #expect(
            events == [
                self.text("{}"), .message(.binary, ByteBuffer(bytes: [1, 2, 3])), self.text(""),
                self.text(String(repeating: "a", count: 126)), .ping(ByteBuffer(bytes: [9])), .pong, self.text(long),
                .close(.normal), .close(nil),
            ])
    }

    @Test(
        arguments: [
            ([0xC1], .reservedBits), ([0xA1], .reservedBits), ([0x91], .reservedBits), ([0x83], .unknownOpcode),
            ([0x87], .unknownOpcode), ([0x8B], .unknownOpcode), ([0x8F], .unknownOpcode),
            ([0x81, 0x01], .unmasked), ([0x89, 0x00], .unmasked), ([0x09], .controlFragmented),
            ([0x08], .controlFragmented),
            ([0x89, 0xFE], .controlTooLong), ([0x88, 0xFF], .controlTooLong), ([0x80], .continuationUnexpected),
            ([0x00], .continuationUnexpected), (WebSocketClient.frame(0x01, [97]) + [0x81], .continuationMissing),
            (WebSocketClient.frame(0x02, [97]) + [0x02], .continuationMissing),
            ([0x81, 0xFE, 0, 125], .lengthNotShortest),
            ([0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], .lengthNotShortest),
            ([0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0], .lengthTooLong),
            ([0x81, 0xFF] + [UInt8](repeating: 0xFF, count: 8), .lengthTooLong),
            ([0x81, 0xFF, 0x7F] + [UInt8](repeating: 0xFF, count: 7), .messageTooLarge),
            ([0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 1], .messageTooLarge),
            (WebSocketClient.frame(0x81, [0xFF]), .notUTF8), (WebSocketClient.frame(0x81, [0xC3]), .notUTF8),
            (WebSocketClient.frame(0x01, [0xC3]) + WebSocketClient.frame(0x80, [0x28]), .notUTF8),
            (WebSocketClient.frame(0x88, [3]), .closeMalformed),
            (WebSocketClient.frame(0x88, [3, 0xED]), .closeMalformed),
            (WebSocketClient.frame(0x88, [0, 0]), .closeMalformed),
            (WebSocketClient.frame(0x88, [0x13, 0x88]), .closeMalformed),
            (WebSocketClient.frame(0x88, [3, 0xE8, 0xFF]), .notUTF8),
        ] as [([UInt8], FrameFault)])
    func `What no client may send is refused as soon as it is there`(bytes: [UInt8], fault: FrameFault) {
        let (events, found) = Self.read(WebSocketClient.frame(0x8A, []) + bytes, piece: 1)
        #expect(events == [.pong] && found == fault)
        #expect(fault.code.isSendable && fault.reason.utf8.count <= 123)
    }

    @Test func `A message may be as large as the bound, however many fragments it has`() {
        let part = [UInt8](repeating: 97, count: 100)
        let whole = (0..<9).flatMap { WebSocketClient.frame($0 == 0 ? 0x01 : 0x00, part) }
        let full = Self.read(whole + WebSocketClient.frame(0x80, part), messageBytesMax: 1000)
        #expect(full.events == [self.text(String(repeating: "a", count: 1000))] && full.fault == nil)
        let over = Self.read(whole + WebSocketClient.frame(0x80, part + [97]), messageBytesMax: 1000)
        #expect(over.events.isEmpty && over.fault == .messageTooLarge)
        // A bound holds for each message.
        let next = Self.read(
            WebSocketClient.frame(0x82, part) + WebSocketClient.frame(0x82, part), messageBytesMax: 100)
        #expect(next.events.count == 2 && next.fault == nil)
    }

    @Test func `A length alone takes no memory`() throws {
        var reader = FrameReader(messageBytesMax: Self.messageBytesMax)
        var input = ByteBuffer(bytes: [0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4, 9])
        #expect(try reader.next(&input) == nil)
        #expect(reader.heldBytes == 1)
    }
}

struct WebSocketFrameFuzzTests {
    @Test(.timeLimit(.minutes(60))) func `Bytes are read alike in one piece and in many, and held within the bound`()
        throws
    {
        var fuzzer = Fuzzer(
            "websocket-frames",
            corpus: [
                WebSocketClient.frame(0x81, Array(#"{"action": "queue_list"}"#.utf8))
                    + WebSocketClient.frame(0x89, [1]),
                WebSocketClient.frame(0x01, Array("ä".utf8)) + WebSocketClient.frame(0x8A, [])
                    + WebSocketClient.frame(0x80, Array("ö".utf8)),
                WebSocketClient.frame(0x82, [UInt8](repeating: 7, count: 300))
                    + WebSocketClient.frame(0x88, [3, 0xE8]),
            ],
            tokens: [
                [0x81, 0x80], [0x01], [0x80], [0x89, 0x80, 0, 0, 0, 0], [0xFE, 0, 126], [0xFF, 0, 0, 0, 0, 0, 1, 0, 0],
                [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0x88], [0xC1], [0xC3, 0xA4], [0xFF],
            ],
            rounds: 10_000)
        let origin = fuzzer.origin
        try fuzzer.run { (bytes: [UInt8]) in
            let whole = WebSocketFrameTests.read(bytes, messageBytesMax: 1000)
            let parts = WebSocketFrameTests.read(bytes, piece: 1, messageBytesMax: 1000)
            #expect(whole.events == parts.events && whole.fault == parts.fault, "\(origin): \(bytes)")
            for case .message(_, let message) in whole.events {
                #expect(message.readableBytes <= 1000, "\(origin): \(bytes)")
            }
        }
    }
}
