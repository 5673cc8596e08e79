import Logging
import NIOConcurrencyHelpers
import NIOCore
import Synchronization
import TLS

/// What the connections of all event loops share.
final class ListenerCore: Sendable {
    private struct State {
        var connections = 0
        /// Of requests, those of connections that have ended included.
        var tasks = 0
        var isStopping = false
        /// Succeeds when the last connection and the last task have ended after a stop.
        var ended: EventLoopPromise<Void>?
        /// Accepting goes on with this once there is space.
        var resume: (@Sendable () -> Void)?
    }

    let limits: HTTPLimits
    /// nil: connections are in the clear.
    let tls: TLSContextHolder?
    let respond: @Sendable (HTTPRequestHead) -> HTTPAction
    let refuse: HTTPAction.Refuse
    /// Whether an address is that of a proxy whose PROXY header and `X-Forwarded-For` are believed.
    let isProxy: @Sendable (SocketAddress) -> Bool
    let ledger: CallerLedger
    let logger: Logger
    private let state = NIOLockedValueBox(State())
    private let short = Atomic(false)

    init(
        limits: HTTPLimits, tls: TLSContextHolder?, logger: Logger,
        respond: @escaping @Sendable (HTTPRequestHead) -> HTTPAction,
        refuse: @escaping HTTPAction.Refuse,
        isProxy: @escaping @Sendable (SocketAddress) -> Bool
    ) {
        self.limits = limits
        self.tls = tls
        self.logger = logger
        self.respond = respond
        self.refuse = refuse
        self.isProxy = isProxy
        self.ledger = CallerLedger(limits)
    }

    /// Whether no descriptor is left: every answer is then the last one of its connection.
    var isShort: Bool { self.short.load(ordering: .relaxed) }

    func setShort(_ isShort: Bool) { self.short.store(isShort, ordering: .relaxed) }

    /// Connections that are open.
    var connections: Int { self.state.withLockedValue { $0.connections } }

    var isFull: Bool { self.state.withLockedValue { !self.hasSpace($0) } }

    /// Whether nearly all connections are taken.
    var isCrowded: Bool {
        let count = self.state.withLockedValue { max($0.connections, $0.tasks) }
        return count >= self.limits.connectionsMax - self.limits.connectionsMax / 16
    }

    /// A caller that connects, asks and leaves again and again has a task each time: those count too.
    private func hasSpace(_ state: State) -> Bool {
        state.connections < self.limits.connectionsMax && state.tasks < self.limits.connectionsMax
    }

    /// Counts a connection until it ends.
    ///
    /// - Parameter resume: Called when there is space again, if this one has taken the last.
    /// - Returns: Whether there is space for another one.
    func begin(_ connection: any Channel, resume: @escaping @Sendable () -> Void) -> Bool {
        let hasSpace = self.state.withLockedValue { state in
            state.connections += 1
            guard !self.hasSpace(state) else { return true }
            state.resume = resume
            return false
        }
        connection.closeFuture.whenComplete { _ in self.end { $0.connections -= 1 } }
        return hasSpace
    }

    /// Counts the task of a request; ``endTask()`` has to follow.
    func beginTask() { self.state.withLockedValue { $0.tasks += 1 } }

    func endTask() { self.end { $0.tasks -= 1 } }

    private func end(_ change: (inout State) -> Void) {
        let (resume, ended) = self.state.withLockedValue { state in
            change(&state)
            var resume: (@Sendable () -> Void)?
            if self.hasSpace(state) { swap(&resume, &state.resume) }
            let isOver = state.isStopping && state.connections == 0 && state.tasks == 0
            return (resume, isOver ? state.ended : nil)
        }
        resume?()
        ended?.succeed()
    }

    /// - Parameter ended: Succeeds when no connection and no task is left.
    func stop(_ ended: EventLoopPromise<Void>) {
        let isOver = self.state.withLockedValue { state in
            state.isStopping = true
            state.ended = ended
            return state.connections == 0 && state.tasks == 0
        }
        if isOver { ended.succeed() }
    }
}
