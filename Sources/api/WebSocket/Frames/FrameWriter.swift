import NIOCore

/// Frames of the server, each with its head in one buffer (RFC 6455, 5.2): never masked, never fragmented.
enum FrameWriter {
    private static let reasonBytesMax = 123

    static func message(_ payload: ByteBuffer, _ format: FrameFormat) -> ByteBuffer {
        self.frame(format == .text ? 0x81 : 0x82, payload)
    }

    static let ping = Self.frame(0x89, ByteBuffer())

    /// - Parameter payload: That of the ping it answers.
    static func pong(_ payload: ByteBuffer) -> ByteBuffer { self.frame(0x8A, payload) }

    /// - Parameter code: nil for none, and then without a reason.
    static func close(_ code: CloseCode?, _ reason: String) -> ByteBuffer {
        var payload = ByteBuffer()
        if let code {
            precondition(code.isSendable && reason.utf8.count <= self.reasonBytesMax, "no close frame has this")
            payload.writeInteger(code.number)
            payload.writeString(reason)
        }
        return self.frame(0x88, payload)
    }

    private static func frame(_ first: UInt8, _ payload: ByteBuffer) -> ByteBuffer {
        let count = payload.readableBytes
        var frame = ByteBufferAllocator().buffer(capacity: count + 10)
        frame.writeInteger(first)
        switch count {
        case ...125: frame.writeInteger(UInt8(count))
        case ...0xFFFF:
            frame.writeInteger(126 as UInt8)
            frame.writeInteger(UInt16(count))
        default:
            frame.writeInteger(127 as UInt8)
            frame.writeInteger(UInt64(count))
        }
        frame.writeImmutableBuffer(payload)
        return frame
    }
}
