package import HTTPServer
package import Logging
import NIOCore
package import Operations
import Policy

/// Takes requests for the WebSocket protocol, on whatever listener they arrive, and makes sessions of them.
package final class WebSocketEndpoint: Sendable {
    /// Where the REST listener takes them; a listener of its own takes every path.
    package static let path = "/v2/websocket"

    let limits: SessionLimits
    let responder: ActionResponder
    let registry: SessionRegistry
    let subscriptions: any SessionSubscriptions
    let metrics = SessionMetrics()
    private let origins: [String]

    /// - Parameters:
    ///   - origins: The origins whose pages may connect; none: all may.
    ///   - audit: nil: no audit log is kept.
    ///   - requests: nil: none are logged.
    package init(
        operations: Operations, rules: AccessRules = AccessRules(), authentication: Authentication = .none,
        limits: SessionLimits, origins: [String] = [], registry: SessionRegistry,
        subscriptions: any SessionSubscriptions, audit: AuditLog? = nil, requests: RequestLog? = nil, logger: Logger
    ) {
        self.limits = limits
        self.responder = ActionResponder(
            handlers: ActionHandlers(operations, subscriptions), admission: operations.admission,
            connections: operations.connections, clients: rules.clients, isStrict: rules.isStrict,
            believesCallers: authentication.believesCallers,
            authenticator: authentication.authenticator(signedURLKeys: rules.signedURLKeys),
            policy: rules.policy, audit: audit, requests: requests, logger: logger)
        self.registry = registry
        self.subscriptions = subscriptions
        self.origins = origins
    }

    /// Whether connections have to say who they act for.
    var isAuthenticated: Bool { !self.responder.believesCallers }

    package func respond(to head: HTTPRequestHead) -> HTTPAction {
        switch Handshake.outcome(of: head, origins: self.origins) {
        case .refused(let answer): return .answer(answer)
        case .accepted(let fields):
            return .upgrade(fields) { channel, caller in
                try channel.pipeline.syncOperations.addHandler(
                    SessionHandler(self, from: caller, on: channel.eventLoop))
            }
        }
    }
}
