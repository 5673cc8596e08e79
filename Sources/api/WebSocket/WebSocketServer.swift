package import HTTPServer
package import Logging
package import NIOCore
import Runtime
import ServiceLifecycle
package import Settings
package import TLS

/// Listens for the WebSocket protocol alone until it is asked to stop, then lets the requests under way finish.
package struct WebSocketServer: Service {
    /// How long a connection may take for its handshake.
    private static let handshakeMax = TimeAmount.seconds(5)

    private let address: ListenAddress
    private let endpoint: WebSocketEndpoint
    private let limits: HTTPLimits
    private let tls: TLSContextHolder?
    private let proxies: TrustedProxies
    private let eventLoopGroup: any EventLoopGroup
    private let logger: Logger
    private let onListening: @Sendable (ListenAddress) -> Void

    /// - Parameters:
    ///   - tls: What connections are encrypted with; nil: they are in the clear.
    ///   - onListening: Gets the address with the real port, once.
    package init(
        _ address: ListenAddress, endpoint: WebSocketEndpoint, limits: HTTPLimits = HTTPLimits(),
        tls: TLSContextHolder? = nil,
        proxies: TrustedProxies = TrustedProxies(), eventLoopGroup: any EventLoopGroup, logger: Logger,
        onListening: @escaping @Sendable (ListenAddress) -> Void
    ) {
        self.address = address
        self.endpoint = endpoint
        var limits = limits
        limits.headMax = min(limits.headMax, Self.handshakeMax)
        limits.idleMax = min(limits.idleMax, Self.handshakeMax)
        self.limits = limits
        self.tls = tls
        self.proxies = proxies
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        self.onListening = onListening
    }

    package func run() async throws {
        let (host, onListening, proxies, endpoint) = (self.address.host, self.onListening, self.proxies, self.endpoint)
        let listener = HTTPListener(
            host: host, port: self.address.port, descriptor: self.address.descriptor,
            eventLoopGroup: self.eventLoopGroup, limits: self.limits,
            tls: self.tls, logger: self.logger, onListening: { onListening(ListenAddress(host: host, port: $0)) },
            isProxy: { proxies.contains($0) }, respond: { endpoint.respond(to: $0) })
        let measured = MeasuredListener(listener, as: "websocket", self.limits)
        try await listening(on: self.address, of: Setting.apiWebSocketListen) { try await measured.run() }
    }
}
