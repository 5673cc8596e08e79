import HTTPServer
import NIOCore
import ServiceLifecycle
import TLS
import TestKit

/// A listener on a port of the kernel's choice.
struct TestListener: Sendable {
    let port: Int
    private let group: ServiceGroup

    init(port: Int, group: ServiceGroup) {
        self.port = port
        self.group = group
    }

    /// - Parameter tls: What the connection is encrypted with; nil: it is in the clear.
    func connect(reads: Bool = true, tls: TLSContext? = nil) async throws -> RawConnection {
        try await RawConnection.open(port: self.port, reads: reads, tls: tls)
    }

    func stop() async { await self.group.triggerGracefulShutdown() }

    /// Answers with method, target and body of the request; a path `/now` without a task, and a body beyond 1000 bytes with 413.
    @Sendable static func echo(_ head: HTTPRequestHead) -> HTTPAction {
        if head.target == "/now" { return .answer(HTTPAnswer(.ok, "now", type: "text/plain")) }
        if head.target == "/refused" { return .answer(HTTPAnswer(.notFound, "refused", type: "text/plain")) }
        return .task { exchange in
            do {
                guard let body = try await exchange.body(upTo: 1000) else {
                    return HTTPAnswer(HTTPStatus(413, "Large"), "large", type: "text/plain")
                }
                return HTTPAnswer(
                    .ok, "\(head.method.rawValue) \(head.target) \(String(buffer: body))", type: "text/plain")
            } catch {
                return HTTPAnswer(.internalServerError, "never sent", type: "text/plain")
            }
        }
    }
}

/// Runs a listener around `body`, and stops it.
func withListener(
    limits: HTTPLimits = HTTPLimits(), tls: TLSContextHolder? = nil,
    _ respond: @escaping @Sendable (HTTPRequestHead) -> HTTPAction = TestListener.echo,
    isProxy: @escaping @Sendable (SocketAddress) -> Bool = { _ in false },
    _ body: (TestListener) async throws -> Void
) async throws {
    try await withHTTPListener { onListening in
        HTTPListener(
            host: "127.0.0.1", port: 0, limits: limits, tls: tls, logger: quietLogger(), onListening: onListening,
            isProxy: isProxy, respond: respond)
    } _: { port, group in
        try await body(TestListener(port: port, group: group))
    }
}
