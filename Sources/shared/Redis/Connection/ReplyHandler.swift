internal import NIOCore

/// Stands between the socket and the connection: bytes in, whole replies out, a read at a time.
final class ReplyHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: RedisConnection
    /// Which of the connection's attempts this channel belongs to.
    private let generation: Int
    private var decoder = ReplyDecoder()
    private var replies: [RedisValue] = []

    init(connection: RedisConnection, generation: Int) {
        self.connection = connection
        self.generation = generation
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do throws(BrokenReply) {
            try self.decoder.feed(self.unwrapInboundIn(data))
            while let reply = try self.decoder.next() { self.replies.append(reply) }
            self.deliver()
        } catch {
            // What came whole before the break still has its command waiting.
            self.deliver()
            self.end(error, context: context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.end(ChannelError.eof, context: context)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.end(error, context: context)
    }

    private func deliver() {
        guard !self.replies.isEmpty else { return }
        let replies = self.replies
        self.replies.removeAll(keepingCapacity: replies.count <= repliesKept)
        self.connection.assumeIsolated { [generation] in $0.received(replies, generation: generation) }
    }

    private func end(_ error: any Error, context: ChannelHandlerContext) {
        self.connection.assumeIsolated { [generation] in $0.channelEnded(error, generation: generation) }
        context.close(promise: nil)
    }
}

/// More replies than this in one read are rare enough to let their array go.
private let repliesKept = 1_024
