import NIOConcurrencyHelpers
package import NIOCore
import NIOPosix

/// A subscriber's HTTP endpoint on loopback, which records all requests and answers as its path is configured to.
///
/// It speaks raw HTTP/1.1 on purpose: a well-bred server would not let a test close, stall or lie in mid-answer.
package final class WebhookReceiver: Sendable {
    private let ledger: ReceiverLedger
    private let channel: any Channel

    /// The port the kernel picked.
    package var port: Int { self.channel.localAddress?.port ?? 0 }

    private init(ledger: ReceiverLedger, channel: any Channel) {
        self.ledger = ledger
        self.channel = channel
    }

    /// Runs `body` with a receiver that is gone afterwards.
    ///
    /// - Parameters:
    ///   - host: `127.0.0.1` or `::1`.
    ///   - answers: How each path behaves; a path not named here is answered 204.
    package static func with<Result>(
        host: String = "127.0.0.1", answers: [String: ReceiverAnswer] = [:],
        _ body: (WebhookReceiver) async throws -> Result
    ) async throws -> Result {
        let ledger = ReceiverLedger(answers: answers)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ReceiverConnection(ledger: ledger))
                }
            }
            .bind(host: host, port: 0).get()
        let result: Result
        do {
            result = try await body(WebhookReceiver(ledger: ledger, channel: channel))
        } catch {
            try await channel.close()
            ledger.closeAll()
            throw error
        }
        try await channel.close()
        ledger.closeAll()
        return result
    }

    /// `http://127.0.0.1:<port><path>`, or with another host that leads here.
    package func url(_ path: String = "/", host: String = "127.0.0.1") -> String {
        "http://\(host):\(self.port)\(path)"
    }

    /// Changes how a path behaves from now on.
    package func answer(_ path: String, with answer: ReceiverAnswer) {
        self.ledger.setAnswer(answer, for: path)
    }

    /// Resets every connection that is open now at the next byte that comes over it.
    package func closeAtNextByte() {
        self.ledger.closeAtNextByte()
    }

    /// All that has arrived so far, in order of arrival.
    package var requests: [ReceivedRequest] { self.ledger.requests }

    /// How many requests have arrived: cheaper than counting ``requests``.
    package var count: Int { self.ledger.count }

    /// Connections accepted so far.
    package var connections: Int { self.ledger.connections }

    /// Connections that neither side has closed.
    package var openConnections: Int { self.ledger.openConnections }

    /// Requests that arrived and have not been answered yet, and never will be if their answer is to hang.
    package func requests(at path: String) -> [ReceivedRequest] {
        self.requests.filter { $0.path == path }
    }

    /// Waits until at least `count` requests have arrived, or the limit is over; then returns what is there.
    @discardableResult
    package func waitFor(count: Int, within limit: Duration = .seconds(30)) async throws -> [ReceivedRequest] {
        _ = try await eventually(within: limit, every: .milliseconds(5)) { self.count >= count ? true : nil }
        return self.requests
    }
}

/// One request as it came in.
package struct ReceivedRequest: Sendable {
    package let method: String
    /// Path and query as they were sent.
    package let uri: String
    /// Names in lower case, in order, repeated when they were.
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]
    package let arrivedAt: ContinuousClock.Instant
    /// Seconds since the epoch at arrival.
    package let arrivedAtSeconds: Int
    /// Counts connections from 0: two requests with one number came over one connection.
    package let connection: Int

    package var path: String { String(self.uri.prefix { $0 != "?" }) }
    package var text: String { String(decoding: self.body, as: UTF8.self) }

    /// The value of a header that came once, or the first; the name in any case.
    package subscript(_ name: String) -> String? {
        let name = name.lowercased()
        return self.headers.first { $0.name == name }?.value
    }
}

/// How a path behaves.
package indirect enum ReceiverAnswer: Sendable {
    /// An ordinary answer; the connection stays open.
    case status(Int, headers: [(String, String)] = [], body: String = "")
    /// One answer after the other, by the requests to this path; the last one repeats.
    case sequence([ReceiverAnswer])
    /// The same answer, later.
    case delayed(TimeAmount, ReceiverAnswer)
    /// These bytes, and then the end of the connection or silence.
    case raw(String, closes: Bool)
    /// These bytes, and then a reset.
    case cutOff(String)
    /// Reads the request and never says anything.
    case hang
    /// Reads the request and closes.
    case close
    /// Reads the request and resets the connection.
    case reset
    /// Answers 204 to the first request of a connection as if more were welcome, and closes at the next one.
    case oncePerConnection
    /// A body without an end, as fast as the other side reads.
    case endlessBody
    /// 200, and then a byte of the body now and then.
    case drip(every: TimeAmount)
}
