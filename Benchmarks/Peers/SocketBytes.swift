import NIOCore

/// As much of the WebSocket protocol as a measurement needs, as plain bytes: heads that are known, messages in one frame.
enum SocketBytes {
    static let upgrade = ByteBuffer(
        string: "GET / HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    static let upgraded = ByteBuffer(
        string: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")

    /// Takes the head of a request or an answer off a buffer; nil while it is not whole.
    static func takeHead(_ buffer: inout ByteBuffer) -> String? {
        guard let end = buffer.readableBytesView.firstRange(of: "\r\n\r\n".utf8) else { return nil }
        return buffer.readString(length: end.upperBound - buffer.readerIndex)
    }

    /// A frame of a client, whose mask is of zeros.
    static func masked(_ opcode: UInt8, _ payload: ByteBuffer) -> ByteBuffer {
        Self.frame(opcode, payload, mask: 0x80)
    }

    /// A frame of a server.
    static func plain(_ opcode: UInt8, _ payload: ByteBuffer) -> ByteBuffer { Self.frame(opcode, payload, mask: 0) }

    private static func frame(_ opcode: UInt8, _ payload: ByteBuffer, mask: UInt8) -> ByteBuffer {
        var frame = ByteBuffer()
        frame.writeInteger(0x80 | opcode)
        if payload.readableBytes < 126 {
            frame.writeInteger(mask | UInt8(payload.readableBytes))
        } else {
            frame.writeInteger(mask | 126)
            frame.writeInteger(UInt16(payload.readableBytes))
        }
        if mask != 0 { frame.writeInteger(0 as UInt32) }
        frame.writeImmutableBuffer(payload)
        return frame
    }

    /// Takes a frame of a server off a buffer; nil while it is not whole.
    static func takeFrame(_ buffer: inout ByteBuffer) -> (opcode: UInt8, payload: ByteBuffer)? {
        var rest = buffer
        guard let first = rest.readInteger(as: UInt8.self), let short = rest.readInteger(as: UInt8.self) else {
            return nil
        }
        var length = Int(short)
        if short == 126 {
            guard let long = rest.readInteger(as: UInt16.self) else { return nil }
            length = Int(long)
        } else if short == 127 {
            guard let long = rest.readInteger(as: UInt64.self) else { return nil }
            length = Int(long)
        }
        guard let payload = rest.readSlice(length: length) else { return nil }
        buffer = rest
        return (first & 0x0F, payload)
    }
}
