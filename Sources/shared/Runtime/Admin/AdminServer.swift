import Foundation
import HTTPServer
package import Logging
import ServiceLifecycle
package import Settings
package import TLS

/// Answers the operator of the deployment: `GET /livez`, `GET /readyz`, `GET /metrics`.
///
/// | path | answer |
/// |---|---|
/// | `/livez` | 200 while the process runs |
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
    private let tls: TLSContextHolder?
    private let logger: Logger
    private let onListening: @Sendable (ListenAddress) -> Void

    /// - Parameters:
    ///   - tls: What connections are encrypted with; nil: they are in the clear.
    ///   - onListening: Gets the address with the real port, once.
    package init(
        _ address: ListenAddress, setting: Setting, readiness: ReadinessGate, registry: MetricsRegistry,
        tls: TLSContextHolder? = nil, logger: Logger, onListening: @escaping @Sendable (ListenAddress) -> Void
    ) {
        self.address = address
        self.setting = setting
        self.readiness = readiness
        self.registry = registry
        self.tls = tls
        self.logger = logger
        self.onListening = onListening
    }

    package func run() async throws {
        let (host, onListening, readiness, registry) = (
            self.address.host, self.onListening, self.readiness, self.registry
        )
        let listener = HTTPListener(
            host: host, port: self.address.port, descriptor: self.address.descriptor, tls: self.tls, keepsReserve: true,
            logger: self.logger,
            onListening: { onListening(ListenAddress(host: host, port: $0)) },
            respond: { request in Self.respond(to: request, readiness, registry) })
        try await listening(on: self.address, of: self.setting) { try await listener.run() }
    }

    private static func respond(
        to request: HTTPRequestHead, _ readiness: ReadinessGate, _ registry: MetricsRegistry
    ) -> HTTPAction {
        guard ["/livez", "/readyz", "/metrics"].contains(request.path) else {
            return .answer(Self.json(.notFound, "{\"title\":\"404 Not Found\"}"))
        }
        guard request.method == .get || request.method == .head else {
            var answer = Self.json(.methodNotAllowed, "{\"title\":\"405 Method Not Allowed\"}")
            answer.headers[.allow] = "GET, HEAD"
            return .answer(answer)
        }
        switch request.path {
        case "/livez": return .answer(Self.json(.ok, "{\"live\":true}"))
        case "/readyz": return .task { _ in await Self.ready(readiness) }
        default: return .task { _ in Self.metrics(registry) }
        }
    }

    /// Files of the system are read for it: off the event loop.
    private static func metrics(_ registry: MetricsRegistry) -> HTTPAnswer {
        let text = registry.text() + (ProcessFigures.now()?.text ?? "")
        return HTTPAnswer(.ok, text, type: "text/plain; version=0.0.4; charset=utf-8")
    }

    private static func ready(_ readiness: ReadinessGate) async -> HTTPAnswer {
        switch await readiness.check(within: Self.probeLimit) {
        case .ready: self.json(.ok, "{\"ready\":true}")
        case .readyBut(let note): self.json(.ok, self.encoded(Ready(ready: true, note: note)))
        case .notReady(let reason):
            self.json(.serviceUnavailable, self.encoded(NotReady(ready: false, reason: reason)))
        }
    }

    private struct Ready: Encodable {
        let ready: Bool
        let note: String
    }

    private struct NotReady: Encodable {
        let ready: Bool
        let reason: String
    }

    private static func encoded(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts and truth values can always be encoded.
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    private static func json(_ status: HTTPStatus, _ text: String) -> HTTPAnswer {
        HTTPAnswer(status, text + "\n", type: "application/json")
    }
}
