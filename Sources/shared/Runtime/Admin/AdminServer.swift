import Foundation
import HTTPTypes
import Hummingbird
package import Logging
import NIOCore
import ServiceLifecycle
package import Settings

/// Answers the operator of the deployment: `GET /livez`, `GET /readyz`, `GET /metrics`.
///
/// | path | answer |
/// |---|---|
/// | `/livez` | 200 while the process turns |
/// | `/readyz` | 200 when it can work, with a `"note"` when an operator should know something; else 503 and
///   `{"ready":false,"reason":"…"}` |
/// | `/metrics` | everything counted, in the text format of Prometheus |
package struct AdminServer: Service {
    /// How long the probe behind `/readyz` may take.
    package static let probeLimit = Duration.seconds(2)

    private let address: ListenAddress
    private let setting: Setting
    private let readiness: ReadinessGate
    private let registry: MetricsRegistry
    private let logger: Logger
    private let onListening: @Sendable (ListenAddress) -> Void

    /// - Parameter onListening: Hears the address with the real port, once.
    package init(
        _ address: ListenAddress, setting: Setting, readiness: ReadinessGate, registry: MetricsRegistry,
        logger: Logger, onListening: @escaping @Sendable (ListenAddress) -> Void
    ) {
        self.address = address
        self.setting = setting
        self.readiness = readiness
        self.registry = registry
        self.logger = logger
        self.onListening = onListening
    }

    package func run() async throws {
        let onListening = self.onListening
        let host = self.address.host
        let application = Application(
            router: self.router(),
            configuration: .init(address: .hostname(host, port: self.address.port), serverName: nil),
            onServerRunning: { channel in
                onListening(ListenAddress(host: host, port: channel.localAddress?.port ?? 0))
            },
            logger: self.logger)
        try await listening(on: self.address, of: self.setting) { try await application.run() }
    }

    private func router() -> Router<BasicRequestContext> {
        let router = Router()
        let readiness = self.readiness
        let registry = self.registry
        router.get("/livez") { _, _ in Self.json(.ok, "{\"live\":true}") }
        router.get("/readyz") { _, _ in
            switch await readiness.check(within: Self.probeLimit) {
            case .ready: return Self.json(.ok, "{\"ready\":true}")
            case .readyBut(let note):
                return try Self.json(.ok, Self.encoded(Ready(ready: true, note: note)))
            case .notReady(let reason):
                return try Self.json(.serviceUnavailable, Self.encoded(NotReady(ready: false, reason: reason)))
            }
        }
        router.get("/metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: registry.text())))
        }
        return router
    }

    private struct Ready: Encodable {
        let ready: Bool
        let note: String
    }

    private struct NotReady: Encodable {
        let ready: Bool
        let reason: String
    }

    private static func encoded(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private static func json(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(string: text + "\n")))
    }
}
