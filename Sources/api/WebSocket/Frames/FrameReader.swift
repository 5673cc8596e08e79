package import NIOCore

/// Reads the frames of a client, and puts messages together from their fragments (RFC 6455, 5).
///
/// ```
/// 1  FIN  RSV RSV RSV  opcode     2  MASK  length, or 126: 2 bytes follow, 127: 8 bytes follow     4 bytes of mask     payload
/// ```
///
/// Control frames may stand between the fragments of a message. What is not allowed is refused as soon as its bytes are there, before
/// those behind it are awaited; a payload is kept as it arrives, so a length alone costs nothing.
package struct FrameReader {
    package enum Event: Sendable, Equatable {
        case message(FrameFormat, ByteBuffer)
        case ping(ByteBuffer)
        case pong
        /// nil: without a code.
        case close(CloseCode?)
    }

    private enum Opcode: UInt8 {
        case continuation = 0, text, binary, close = 8, ping, pong

        var isControl: Bool { self.rawValue >= 8 }
    }

    private struct Frame {
        let opcode: Opcode
        let isLast: Bool
        let mask: UInt32
        let length: Int
        /// Bytes of the payload that are here.
        var passed = 0
    }

    private static let controlBytesMax = 125

    private let messageBytesMax: Int
    /// Whose payload is being read.
    private var frame: Frame?
    /// Of the message that is being put together; nil between messages.
    private var format: FrameFormat?
    private var message = ByteBuffer()
    private var control = ByteBuffer()

    package init(messageBytesMax: Int) {
        self.messageBytesMax = messageBytesMax
    }

    /// Bytes of a message that has begun to arrive.
    package var heldBytes: Int { self.message.readableBytes }

    /// Takes the next event off the front of what has arrived; nil while it is not there whole.
    package mutating func next(_ input: inout ByteBuffer) throws(FrameFault) -> Event? {
        while true {
            if self.frame == nil {
                guard let frame = try self.head(&input) else { return nil }
                self.frame = frame
            }
            guard self.readPayload(&input) else { return nil }
            if let event = try self.end() { return event }
        }
    }

    // MARK: - Head

    private func head(_ input: inout ByteBuffer) throws(FrameFault) -> Frame? {
        let start = input.readerIndex
        guard let first = input.getInteger(at: start, as: UInt8.self) else { return nil }
        guard first & 0x70 == 0 else { throw .reservedBits }
        guard let opcode = Opcode(rawValue: first & 0x0F) else { throw .unknownOpcode }
        let isLast = first & 0x80 != 0
        guard isLast || !opcode.isControl else { throw .controlFragmented }
        switch opcode {
        case .continuation where self.format == nil: throw .continuationUnexpected
        case .text where self.format != nil, .binary where self.format != nil: throw .continuationMissing
        default: break
        }
        guard let second = input.getInteger(at: start + 1, as: UInt8.self) else { return nil }
        guard second & 0x80 != 0 else { throw .unmasked }
        let short = Int(second & 0x7F)
        guard !opcode.isControl || short <= Self.controlBytesMax else { throw .controlTooLong }
        guard let (length, lengthBytes) = try Self.length(short, input, at: start + 2) else { return nil }
        if !opcode.isControl, length > self.messageBytesMax - self.message.readableBytes { throw .messageTooLarge }
        guard let mask = input.getInteger(at: start + 2 + lengthBytes, as: UInt32.self) else { return nil }
        input.moveReaderIndex(forwardBy: 2 + lengthBytes + 4)
        return Frame(opcode: opcode, isLast: isLast, mask: mask, length: length)
    }

    /// The length of a payload, and the bytes it is written in beside the first; nil while they are not there.
    private static func length(
        _ short: Int, _ input: ByteBuffer, at index: Int
    ) throws(FrameFault) -> (length: Int, bytes: Int)? {
        switch short {
        case 126:
            guard let length = input.getInteger(at: index, as: UInt16.self) else { return nil }
            guard length > 125 else { throw .lengthNotShortest }
            return (Int(length), 2)
        case 127:
            guard let long = input.getInteger(at: index, as: UInt64.self) else { return nil }
            guard let length = Int(exactly: long) else { throw .lengthTooLong }
            guard length > 0xFFFF else { throw .lengthNotShortest }
            return (length, 8)
        default: return (short, 0)
        }
    }

    // MARK: - Payload

    /// - Returns: Whether all of it is here.
    private mutating func readPayload(_ input: inout ByteBuffer) -> Bool {
        guard var frame = self.frame else { return false }
        let count = min(frame.length - frame.passed, input.readableBytes)
        if count > 0, let part = input.readSlice(length: count) {
            if frame.opcode.isControl {
                self.control.write(part, unmasking: frame.mask, from: frame.passed)
            } else {
                self.message.write(part, unmasking: frame.mask, from: frame.passed)
            }
            frame.passed += count
            self.frame = frame
        }
        return frame.passed == frame.length
    }

    /// - Returns: nil for a fragment that is not the last.
    private mutating func end() throws(FrameFault) -> Event? {
        guard let frame = self.frame else { return nil }
        self.frame = nil
        switch frame.opcode {
        case .text: self.format = .text
        case .binary: self.format = .binary
        case .continuation: break
        case .ping: return .ping(self.takeControl())
        case .pong:
            _ = self.takeControl()
            return .pong
        case .close: return .close(try Self.closeCode(self.takeControl()))
        }
        guard frame.isLast, let format = self.format else { return nil }
        var message = ByteBuffer()
        swap(&message, &self.message)
        self.format = nil
        guard format == .binary || Self.isUTF8(message) else { throw .notUTF8 }
        return .message(format, message)
    }

    private mutating func takeControl() -> ByteBuffer {
        var control = ByteBuffer()
        swap(&control, &self.control)
        return control
    }

    private static func closeCode(_ payload: ByteBuffer) throws(FrameFault) -> CloseCode? {
        var payload = payload
        guard payload.readableBytes > 0 else { return nil }
        guard let number = payload.readInteger(as: UInt16.self) else { throw .closeMalformed }
        let code = CloseCode(number: number)
        guard code.isSendable else { throw .closeMalformed }
        guard Self.isUTF8(payload) else { throw .notUTF8 }
        return code
    }

    private static func isUTF8(_ bytes: ByteBuffer) -> Bool {
        (try? UTF8Span(validating: bytes.readableBytesUInt8Span)) != nil
    }
}

extension ByteBuffer {
    /// Appends bytes with the mask of their frame undone.
    ///
    /// - Parameter passed: Bytes of the payload before these.
    fileprivate mutating func write(_ part: ByteBuffer, unmasking mask: UInt32, from passed: Int) {
        let shift = UInt32(passed % 4) * 8
        let turned = shift == 0 ? mask : mask << shift | mask >> (32 - shift)
        let word = (UInt64(turned) << 32 | UInt64(turned)).bigEndian
        let count = part.readableBytes
        _ = self.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { output in
            part.withUnsafeReadableBytes { input in
                var index = 0
                while index + 8 <= count {
                    output.storeBytes(
                        of: input.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ word, toByteOffset: index,
                        as: UInt64.self)
                    index += 8
                }
                while index < count {
                    output[index] = input[index] ^ UInt8(truncatingIfNeeded: turned >> UInt32(24 - index % 4 * 8))
                    index += 1
                }
            }
            return count
        }
    }
}
