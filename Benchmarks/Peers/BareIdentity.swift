import ArgumentParser
import HTTPServer
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// Answers as Keystone does, to any login and any token, faster than a Keystone can: for measurements of those who ask it.
struct BareIdentity: AsyncParsableCommand {
    @Option var port: Int

    private static let token = #"""
        {"token": {"user": {"id": "user"}, "project": {"id": "bench"}, "roles": [{"name": "member"}, {"name": "service"}],
        "expires_at": "2100-01-01T00:00:00Z"}}
        """#

    func run() async throws {
        let logger = Logger(label: "bare-identity")
        let listener = HTTPListener(
            host: "127.0.0.1", port: self.port, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger,
            onListening: { _ in },
            respond: { head in
                guard head.method == .post else {
                    return .answer(HTTPAnswer(.ok, Self.token, type: "application/json"))
                }
                return .task { exchange in
                    _ = try? await exchange.body(upTo: 1 << 16)
                    var answer = HTTPAnswer(.created, Self.token, type: "application/json")
                    answer.headers[HTTPFieldName("X-Subject-Token")] = "service"
                    return answer
                }
            })
        try await ServiceGroup(services: [listener], gracefulShutdownSignals: [.sigterm], logger: logger).run()
    }
}
