import Documents
import Domain
import HTTPServer
import NIOCore
import Operations
import Store

/// The messages of a queue as server-sent events (WHATWG HTML, 9.2), for as long as the client reads.
///
/// ```
/// id: <place>                          data: the message, with its sequence
/// event: gap                           data: {"from": 7, "to": 9}, the numbers that are missing
/// event: restart                       the queue was made anew
/// :                                    nothing came for ``heartbeat``, or the store does not answer
/// ```
/// A client that connects again names the last place in `Last-Event-ID`, as `EventSource` does by itself. What it does not read stays
/// in Redis: the next part is read when the connection has taken the one before. While the store fails the stream stays open, since
/// an `EventSource` that is answered 503 gives up for good.
struct EventStream: Sendable {
    static let type = "text/event-stream"
    /// Seconds; proxies close what is silent for half a minute or longer.
    private static let heartbeat = 15
    /// Milliseconds until a client connects again.
    private static let retry = 2_000
    /// Milliseconds until a store that failed is asked again.
    private static let pause = 1_000...2_000

    let operations: Operations
    let queue: QueueAddress
    let exchange: HTTPExchange
    let wait: QueueWait
    let access: StandingAccess
    /// Held for as long as the stream.
    let connection: ProjectConnection

    /// - Parameter names: Whether the client has to be given the place where it begins.
    func reply(from start: FollowStart, naming names: Bool) -> Reply {
        var reply = Reply(status: .ok, headers: [.contentType: Self.type, .cacheControl: "no-store"])
        // A proxy that gathers answers would hold events back.
        reply.headers[.accelBuffering] = "no"
        reply.stream = { writer in
            var head = "retry: \(Self.retry)\n"
            // One that connects again before anything came goes on here.
            if names, case .behind(let place) = start { head += "id: \(place.text)\n" }
            try await writer.write(ByteBuffer(string: head + "\n"))
            try await self.run(from: start, writer)
        }
        return reply
    }

    /// Ends when the client goes away, the right to read ends, or the listener stops: then the client connects again.
    private func run(from start: FollowStart, _ writer: HTTPBodyWriter) async throws {
        var start = start
        while !Task.isCancelled {
            do {
                try await self.access.hold()
                let (part, place) = try await self.next(
                    from: start, within: self.access.secondsLeft(atMost: Self.heartbeat))
                if let place { start = .behind(place) }
                try await writer.write(part)
            } catch let error as HTTPStreamEnded {
                throw error
            } catch is AccessEnded {
                return
            } catch {
                try await writer.write(Self.comment)
                await self.exchange.whileConnected {
                    // Cancelled, it returns at once.
                    try? await Task.sleep(for: .milliseconds(Int.random(in: Self.pause)))
                }
            }
        }
    }

    private static let comment = ByteBuffer(string: ":\n\n")

    /// Waits for what comes, and spells it.
    private func next(
        from start: FollowStart, within seconds: Int
    ) async throws -> (part: ByteBuffer, place: QueuePlace?) {
        let events = try await self.exchange.whileConnected {
            try await self.operations.followOn(
                self.queue, from: start, at: self.wait, within: seconds, hold: { try await self.access.hold() })
        }
        guard let events else { return (Task.isCancelled ? ByteBuffer() : Self.comment, nil) }
        var part = ByteBuffer()
        for (event, place) in events.events {
            part.writeString("id: \(place.text)\n")
            switch event {
            case .message(let message, let sequence):
                Self.write(MessageDocument.followed(message, sequence: sequence, of: self.queue), to: &part)
            case .gap(let range):
                part.writeString("event: gap\ndata: {\"from\":\(range.lowerBound),\"to\":\(range.upperBound)}\n\n")
            case .restart: part.writeString("event: restart\ndata: {}\n\n")
            }
        }
        return (part, events.place)
    }

    /// Bodies are kept as they came, with the ends of their lines: each line gets a field of its own.
    private static func write(_ document: ByteBuffer, to part: inout ByteBuffer) {
        let ends = [UInt8(ascii: "\n"), UInt8(ascii: "\r")]
        for line in document.readableBytesView.split(whereSeparator: { ends.contains($0) }) {
            part.writeString("data: ")
            part.writeBytes(line)
            part.writeString("\n")
        }
        part.writeString("\n")
    }
}

extension HTTPFieldName {
    static let accelBuffering = HTTPFieldName("X-Accel-Buffering")
}

/// Opens streams of messages.
struct StreamHandlers: Sendable {
    let operations: Operations

    func open(_ request: ReceivedRequest) async throws -> Reply {
        let from = try request.head.lastEventID ?? request.query.text("from") ?? FollowStart.end.text
        let start = try await self.operations.followStart(from, of: request.queue)
        let stream = EventStream(
            operations: self.operations, queue: request.queue, exchange: request.exchange,
            wait: try await self.operations.placeToFollow(request.queue), access: request.standingAccess,
            connection: try await self.operations.connections.open(request.project))
        let fixed = try await self.operations.followFixed(start, of: request.queue)
        return stream.reply(from: fixed, naming: start == .end)
    }
}
