internal import NIOConcurrencyHelpers

/// What became of a command whose reach was waited for.
package struct AwaitedReply: Sendable {
    let reply: Request.Reply
    /// How many copies of what it wrote there are, see ``WriteReach/copies``; 0 also when nothing said so in time.
    let copies: Int
}

/// Commands that travel together over one connection, with one `WAIT` or `WAITAOF` behind them.
///
/// Either covers what its own connection has written, so all of them have to lie between it and the one before; and it
/// holds up whatever is behind it, so nothing else may use the connection.
final class AwaitedBatch: Sendable {
    typealias Caller = UnsafeContinuation<AwaitedReply, Never>

    private struct State {
        /// Of the commands and, last, of the wait.
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

    /// Takes the reply of one part: of a command, or of the wait behind the last.
    func take(_ reply: Request.Reply, at index: Int) {
        let replies: [Request.Reply?]? = self.state.withLockedValue { state in
            precondition(state.replies[index] == nil, "a command has one reply")
            state.replies[index] = reply
            state.missing -= 1
            return state.missing == 0 ? state.replies : nil
        }
        guard let replies else { return }
        var copies = 0
        if case .success(let answer)?? = replies.last { copies = WriteReach.copies(in: answer) }
        self.ended()
        for case (let caller, let reply?) in zip(self.callers, replies) {
            caller.resume(returning: AwaitedReply(reply: reply, copies: copies))
        }
    }
}
