import Logging
import NIOConcurrencyHelpers
import NIOCore
import Synchronization

/// What the connections of all event loops share.
final class ListenerCore: Sendable {
    private struct State {
        var connections = 0
        var isStopping = false
        /// Resumed when the last connection has ended after a stop.
        var ended: EventLoopPromise<Void>?
        /// Accepting goes on with this once there is space.
        var resume: (@Sendable () -> Void)?
    }

    let limits: HTTPLimits
    let respond: @Sendable (HTTPRequestHead) -> HTTPAction
    let refuse: @Sendable (HTTPRequestFault) -> HTTPAnswer
    /// Whether an address is that of a proxy, whose word about its callers is believed.
    let isProxy: @Sendable (SocketAddress) -> Bool
    let ledger: CallerLedger
    let logger: Logger
    private let state = NIOLockedValueBox(State())
    private let short = Atomic(false)

    init(
        limits: HTTPLimits, logger: Logger, respond: @escaping @Sendable (HTTPRequestHead) -> HTTPAction,
        refuse: @escaping @Sendable (HTTPRequestFault) -> HTTPAnswer,
        isProxy: @escaping @Sendable (SocketAddress) -> Bool
    ) {
        self.limits = limits
        self.logger = logger
        self.respond = respond
        self.refuse = refuse
        self.isProxy = isProxy
        self.ledger = CallerLedger(limits)
    }

    /// Whether no descriptor is left: every answer is then the last one of its connection.
    var isShort: Bool { self.short.load(ordering: .relaxed) }

    func setShort(_ isShort: Bool) { self.short.store(isShort, ordering: .relaxed) }

    var isFull: Bool { self.state.withLockedValue { $0.connections >= self.limits.connectionsMax } }

    /// Counts a connection until it ends.
    ///
    /// - Parameter resume: Called when there is space again, if this one has taken the last.
    /// - Returns: Whether there is space for another one.
    func begin(_ connection: any Channel, resume: @escaping @Sendable () -> Void) -> Bool {
        let hasSpace = self.state.withLockedValue { state in
            state.connections += 1
            guard state.connections >= self.limits.connectionsMax else { return true }
            state.resume = resume
            return false
        }
        connection.closeFuture.whenComplete { _ in self.end() }
        return hasSpace
    }

    private func end() {
        let (resume, ended) = self.state.withLockedValue { state in
            state.connections -= 1
            defer { state.resume = nil }
            return (state.resume, state.isStopping && state.connections == 0 ? state.ended : nil)
        }
        resume?()
        ended?.succeed()
    }

    /// - Parameter ended: Succeeds when no connection is left.
    func stop(_ ended: EventLoopPromise<Void>) {
        let isOver = self.state.withLockedValue { state in
            state.isStopping = true
            state.ended = ended
            return state.connections == 0
        }
        if isOver { ended.succeed() }
    }
}
