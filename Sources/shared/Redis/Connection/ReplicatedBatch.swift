internal import NIOConcurrencyHelpers

/// What became of a command whose replication was waited for.
package struct ReplicatedReply: Sendable {
    let reply: Request.Reply
    /// How many replicas have what it wrote; 0 also when nothing said so in time.
    let replicas: Int
}

/// Commands that travel together over one connection, with one `WAIT` behind them.
///
/// `WAIT` covers what its own connection has written, so all of them have to lie between it and the one before; and it
/// holds up whatever is behind it, so nothing else may use the connection.
final class ReplicatedBatch: Sendable {
    typealias Caller = UnsafeContinuation<ReplicatedReply, Never>

    private struct State {
        /// Of the commands and, last, of the `WAIT`.
        var replies: [Request.Reply?]
        var missing: Int
    }

    private let callers: [Caller]
    private let state: NIOLockedValueBox<State>
    private let ended: @Sendable () -> Void

    /// - Parameters:
    ///   - callers: One for each command.
    ///   - ended: Called before they are resumed.
    init(of callers: [Caller], ended: @escaping @Sendable () -> Void) {
        self.callers = callers
        let count = callers.count + 1
        self.state = NIOLockedValueBox(State(replies: Array(repeating: nil, count: count), missing: count))
        self.ended = ended
    }

    /// Takes the reply of one part: of a command, or of the `WAIT` behind the last.
    func take(_ reply: Request.Reply, at index: Int) {
        let replies: [Request.Reply?]? = self.state.withLockedValue { state in
            precondition(state.replies[index] == nil, "a command has one reply")
            state.replies[index] = reply
            state.missing -= 1
            return state.missing == 0 ? state.replies : nil
        }
        guard let replies else { return }
        var replicas = 0
        if case .success(.integer(let count))? = replies.last { replicas = Int(clamping: count) }
        self.ended()
        for case (let caller, let reply?) in zip(self.callers, replies) {
            caller.resume(returning: ReplicatedReply(reply: reply, replicas: replicas))
        }
    }
}
