package import HTTPServer
package import Logging
package import NIOCore
package import Operations
import Runtime
import ServiceLifecycle
package import Settings
package import TLS

/// Listens for REST requests until it is asked to stop, then lets those under way finish.
package struct RESTServer: Service {
    private let address: ListenAddress
    private let operations: Operations
    private let rules: AccessRules
    private let pages: PageRules
    private let authentication: Authentication
    private let limits: HTTPLimits
    private let tls: TLSContextHolder?
    private let proxies: TrustedProxies
    private let audit: AuditLog?
    private let requests: RequestLog?
    private let upgrade: @Sendable (HTTPRequestHead) -> HTTPAction?
    private let eventLoopGroup: any EventLoopGroup
    private let logger: Logger
    private let onListening: @Sendable (ListenAddress) -> Void

    /// - Parameters:
    ///   - tls: What connections are encrypted with; nil: they are in the clear.
    ///   - audit: nil: no audit log is kept.
    ///   - upgrade: Takes requests for another protocol; nil: it is a request of REST.
    ///   - onListening: Gets the address with the real port, once.
    package init(
        _ address: ListenAddress, operations: Operations, rules: AccessRules = AccessRules(),
        pages: PageRules = PageRules(),
        authentication: Authentication = .none, limits: HTTPLimits = HTTPLimits(),
        tls: TLSContextHolder? = nil,
        proxies: TrustedProxies = TrustedProxies(), audit: AuditLog? = nil, requests: RequestLog? = nil,
        upgrade: @escaping @Sendable (HTTPRequestHead) -> HTTPAction? = { _ in nil },
        eventLoopGroup: any EventLoopGroup, logger: Logger,
        onListening: @escaping @Sendable (ListenAddress) -> Void
    ) {
        self.address = address
        self.operations = operations
        self.rules = rules
        self.pages = pages
        self.authentication = authentication
        self.limits = limits
        self.tls = tls
        self.proxies = proxies
        self.audit = audit
        self.requests = requests
        self.upgrade = upgrade
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        self.onListening = onListening
    }

    package func run() async throws {
        let responder = RESTResponder(
            operations: self.operations, rules: self.rules, pages: self.pages, authentication: self.authentication,
            metrics: RESTMetrics(), audit: self.audit, requests: self.requests, logger: self.logger)
        let (host, onListening, proxies, upgrade) = (self.address.host, self.onListening, self.proxies, self.upgrade)
        let listener = HTTPListener(
            host: host, port: self.address.port, descriptor: self.address.descriptor,
            eventLoopGroup: self.eventLoopGroup, limits: self.limits,
            tls: self.tls, logger: self.logger, onListening: { onListening(ListenAddress(host: host, port: $0)) },
            refuse: { responder.refuse($0, $1) }, isProxy: { proxies.contains($0) },
            respond: { upgrade($0) ?? responder.respond(to: $0) })
        let measured = MeasuredListener(listener, as: "rest", self.limits)
        try await listening(on: self.address, of: Setting.apiListen) { try await measured.run() }
    }
}
