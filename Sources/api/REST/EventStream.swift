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
/// :                                    nothing came for ``heartbeat``
/// ```
/// A client that connects again names the last place in `Last-Event-ID`, as `EventSource` does by itself. What it does not read stays
/// in Redis: the next part is read when the connection has taken the one before.
struct EventStream: Sendable {
    static let type = "text/event-stream"
    /// Seconds; proxies close what is silent for half a minute or longer.
    private static let heartbeat = 15
    /// Milliseconds until a client connects again.
    private static let retry = 2_000

    let operations: Operations
    let queue: QueueAddress
    let exchange: HTTPExchange

    /// - Parameter first: What is there already.
    func reply(_ first: FollowedEvents) -> Reply {
        var part = ByteBuffer(string: "retry: \(Self.retry)\n")
        // Also one that connects again before anything came goes on here.
        if first.events.isEmpty { part.writeString("id: \(first.place.text)\n") }
        part.writeString("\n")
        self.write(first, to: &part)
        let body = part
        var reply = Reply(status: .ok, headers: [.contentType: Self.type, .cacheControl: "no-store"])
        // A proxy that gathers answers would hold events back.
        reply.headers[.accelBuffering] = "no"
        reply.stream = { writer in
            try await writer.write(body)
            try await self.run(from: first.place, writer)
        }
        return reply
    }

    /// Ends when the client goes away, the listener stops, or the store fails: the client connects again.
    private func run(from start: QueuePlace, _ writer: HTTPBodyWriter) async throws {
        var place = start
        while !Task.isCancelled {
            guard let turn = try? await self.operations.admission.enter(self.queue.project) else { return }
            defer { turn.leave() }
            let wait = try MessageWait(seconds: Self.heartbeat, turn)
            let next: FollowedEvents?
            do {
                next = try await self.exchange.whileConnected {
                    try await self.operations.followMessages(of: self.queue, from: .behind(place), wait: wait)
                }
            } catch {
                return
            }
            turn.leave()
            var part = ByteBuffer()
            if let next {
                self.write(next, to: &part)
                place = next.place
            } else if !Task.isCancelled {
                part.writeString(":\n\n")
            }
            try await writer.write(part)
        }
    }

    private func write(_ events: FollowedEvents, to part: inout ByteBuffer) {
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
    }

    /// Bodies are kept as they came, with the ends of their lines: each line gets a field of its own.
    private static func write(_ document: ByteBuffer, to part: inout ByteBuffer) {
        for line in document.readableBytesView.split(whereSeparator: {
            $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r")
        }) {
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
        let from = try request.head.lastEventID ?? request.query.text("from") ?? "now"
        let start = try await self.operations.followStart(from, of: request.queue)
        guard let first = try await self.operations.followMessages(of: request.queue, from: start) else {
            preconditionFailure("what does not wait always returns")
        }
        return EventStream(operations: self.operations, queue: request.queue, exchange: request.exchange).reply(first)
    }
}
