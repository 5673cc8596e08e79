package import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// What a subscriber of the demonstration was sent.
package struct Arrival: Sendable {
    package let path: String
    package let headers: HTTPFields
    package let body: [UInt8]
    package let at: ContinuousClock.Instant

    package init(path: String, headers: HTTPFields, body: [UInt8], at: ContinuousClock.Instant) {
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
        let router = Router()
        router.post("**") { request, _ in
            let at = ContinuousClock.now
            let bytes = try await request.body.collect(upTo: Self.bodyBytesMax)
            arrived.yield(
                Arrival(
                    path: request.uri.path, headers: request.headers, body: Array(bytes.readableBytesView), at: at))
            return HTTPResponse.Status.noContent
        }
        // Errors are not reported here: what failed shows in what arrived.
        let logger = Logger(label: "receiver", factory: { _ in SwiftLogNoOpLogHandler() })
        let application = Application(
            router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in listening.yield(channel.localAddress?.port ?? 0) }, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            group.addTask {
                for await port in ports { return try await body(port, arrivals) }
            }
            // The body ends first, or one of both fails: the other is cancelled.
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
