internal import NIOCore

/// Gathers commands, so that one write takes many.
struct CommandWriter: Sendable {
    private var outgoing = ByteBuffer()

    mutating func write(_ command: EncodedCommand, to channel: any Channel) {
        command.writeHeader(to: &self.outgoing)
        self.outgoing.writeImmutableBuffer(command.prefix)
        if command.arguments.readableBytes < copiedBytesMax {
            self.outgoing.writeImmutableBuffer(command.arguments)
        } else {
            channel.write(self.take(), promise: nil)
            channel.write(command.arguments, promise: nil)
        }
    }

    mutating func flush(_ channel: any Channel) {
        if self.outgoing.readableBytes > 0 { channel.write(self.take(), promise: nil) }
        channel.flush()
    }

    private mutating func take() -> ByteBuffer {
        let taken = self.outgoing
        self.outgoing = ByteBuffer()
        return taken
    }
}

/// Longer arguments are written from where they are; shorter ones are copied.
private let copiedBytesMax = 16 << 10
