import Domain
import Hummingbird
import HummingbirdCore
package import Logging
import NIOConcurrencyHelpers
package import NIOCore
package import Operations
import Runtime
import ServiceLifecycle
package import Settings

/// Listens for REST requests until it is asked to stop, then lets those under way finish.
package struct RESTServer: Service {
    /// Connections open at once; further ones wait in the kernel's queue.
    package static let connectionsMax = 16_384
    private static let backlog = 4096
    /// A connection without a request, or whose request stands still, is closed after this.
    private static let idleMax = TimeAmount.seconds(75)
    private static let headerBytesMax = 16 * 1024
    private static let headersBytesMax = 64 * 1024
    private static let headersMax = 128

    private let address: ListenAddress
    private let operations: Operations
    private let rules: AccessRules
    private let pages: PageRules
    private let authenticator: any Authenticator
    private let eventLoopGroup: any EventLoopGroup
    private let logger: Logger
    private let onListening: @Sendable (ListenAddress) -> Void

    /// - Parameters:
    ///   - authenticator: nil: pre-signed URLs are checked, and all other requests are who they say they are.
    ///   - onListening: Gets the address with the real port, once.
    package init(
        _ address: ListenAddress, operations: Operations, rules: AccessRules = AccessRules(),
        pages: PageRules = PageRules(),
        authenticator: (any Authenticator)? = nil, eventLoopGroup: any EventLoopGroup, logger: Logger,
        onListening: @escaping @Sendable (ListenAddress) -> Void
    ) {
        self.address = address
        self.operations = operations
        self.rules = rules
        self.pages = pages
        self.authenticator =
            authenticator
            ?? SignedURLAuthenticator(keys: rules.signedURLKeys, next: StatedIdentityAuthenticator())
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        self.onListening = onListening
    }

    package func run() async throws {
        let isStopping = NIOLockedValueBox(false)
        let responder = RESTResponder(
            operations: self.operations, rules: self.rules, pages: self.pages, authenticator: self.authenticator,
            metrics: RESTMetrics(),
            logger: self.logger, isStopping: isStopping)
        let host = self.address.host
        // Hummingbird's server without its application and router: see docs/decisions/0004.
        let server = try HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [UpgradeGuard()], idleTimeout: Self.idleMax,
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: Self.headerBytesMax, maxHeaderListSize: Self.headersBytesMax,
                    maxHeaderFieldCount: Self.headersMax))
        ).buildServer(
            configuration: ServerConfiguration(
                address: .hostname(host, port: self.address.port), backlog: Self.backlog,
                availableConnectionsDelegate: .maximum(Self.connectionsMax, logger: self.logger)),
            eventLoopGroup: self.eventLoopGroup, logger: self.logger,
            responder: { request, writer, channel in try await responder.respond(to: request, writer, on: channel) },
            onServerRunning: { [onListening] channel in
                onListening(ListenAddress(host: host, port: channel.localAddress?.port ?? 0))
            })
        try await withGracefulShutdownHandler {
            try await listening(on: self.address, of: Setting.apiListen) { try await server.run() }
        } onGracefulShutdown: {
            isStopping.withLockedValue { $0 = true }
        }
    }
}
