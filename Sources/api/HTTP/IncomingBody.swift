import Hummingbird
import HummingbirdCore
import NIOCore

/// The body of one request as it comes in: read within a limit, or thrown away within another.
///
/// Its functions are `@concurrent` because Hummingbird's iterator is: neither may be handed from actor to actor.
struct IncomingBody {
    /// Bytes of a refused body that are still read, so that the answer is not lost in a reset.
    static let discardedBytesMax = 64 << 20
    /// How long that goes on.
    static let discardingMax = TimeAmount.seconds(10)

    private var iterator: RequestBody.AsyncIterator?
    /// Nothing more of the body will come.
    private(set) var isOver: Bool

    init(_ request: Request, _ head: RequestHead) {
        self.isOver = !head.announcesBody
        self.iterator = self.isOver ? nil : request.body.makeAsyncIterator()
    }

    /// Reads the body whole.
    ///
    /// - Returns: nil when it is larger; part of it is then still to come.
    @concurrent mutating func read(upTo bytesMax: Int) async throws -> ByteBuffer? {
        guard var body = try await self.next() else { return ByteBuffer() }
        guard body.readableBytes <= bytesMax else { return nil }
        while var part = try await self.next() {
            guard body.readableBytes + part.readableBytes <= bytesMax else { return nil }
            body.writeBuffer(&part)
        }
        return body
    }

    /// Drains a rejected body, and closes the connection when it is too much or takes too long.
    @concurrent mutating func discard(closing channel: any Channel) async {
        let alarm = channel.eventLoop.scheduleTask(in: Self.discardingMax) { channel.close(promise: nil) }
        defer { alarm.cancel() }
        var bytes = 0
        do {
            while let part = try await self.next() {
                bytes += part.readableBytes
                guard bytes <= Self.discardedBytesMax else {
                    channel.close(promise: nil)
                    return
                }
            }
        } catch {
            // The caller went away, or sends what is no HTTP: the connection has no use any more.
            channel.close(promise: nil)
        }
    }

    @concurrent private mutating func next() async throws -> ByteBuffer? {
        guard let part = try await self.iterator?.next() else {
            self.isOver = true
            return nil
        }
        return part
    }
}
