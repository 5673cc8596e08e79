import HTTPServer
import Logging
import NIOCore

/// What a subscriber of the demonstration was sent.
package struct Arrival: Sendable {
    package let path: String
    /// Names in lower case.
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]
    package let at: ContinuousClock.Instant

    package init(
        path: String, headers: [(name: String, value: String)], body: [UInt8], at: ContinuousClock.Instant
    ) {
        self.path = path
        self.headers = headers
        self.body = body
        self.at = at
    }
}

/// A subscriber of our own: an HTTP server on loopback that says 204 to whatever comes.
package enum Receiver {
    /// What one webhook may hold: the largest body a deployment sends, and more.
    private static let bodyBytesMax = 4 << 20
    /// Arrivals that wait to be looked at; further ones are dropped.
    private static let waitingMax = 16

    /// Runs a receiver around `body`, which gets its port and what arrives.
    package static func run(
        _ body: @escaping @Sendable (_ port: Int, _ arrivals: AsyncStream<Arrival>) async throws -> Void
    ) async throws {
        let (arrivals, arrived) = AsyncStream.makeStream(
            of: Arrival.self, bufferingPolicy: .bufferingOldest(Self.waitingMax))
        let (ports, listening) = AsyncStream.makeStream(of: Int.self)
        // Errors are not reported here: what failed shows in what arrived.
        let logger = Logger(label: "receiver", factory: { _ in SwiftLogNoOpLogHandler() })
        let listener = HTTPListener(
            host: "127.0.0.1", port: 0, logger: logger, onListening: { listening.yield($0) },
            respond: { request in
                guard request.method == .post else { return .answer(HTTPAnswer(status: .methodNotAllowed)) }
                return .task { exchange in
                    let at = ContinuousClock.now
                    // What does not arrive whole has not arrived.
                    guard let body = try? await exchange.body(upTo: Self.bodyBytesMax) else {
                        return HTTPAnswer(status: .badRequest, isLast: true)
                    }
                    arrived.yield(
                        Arrival(
                            path: String(request.path),
                            headers: request.fields.map { ($0.name, request.value(of: $0)) },
                            body: Array(body.readableBytesView), at: at))
                    return HTTPAnswer(status: .noContent)
                }
            })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await listener.run() }
            group.addTask {
                for await port in ports { return try await body(port, arrivals) }
            }
            // The body ends first, or one of both fails: the other is cancelled.
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
