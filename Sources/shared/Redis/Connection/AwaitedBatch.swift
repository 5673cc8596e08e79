internal import NIOConcurrencyHelpers

/// What became of a command whose reach was waited for.
package struct AwaitedReply: Sendable {
    let reply: Request.Reply
    /// How many copies of what it wrote there are, see ``WriteReach/copies``; 0 also when nothing said so in time.
    let copies: Int
}

/// Commands that travel together over one connection, with marks and one `WAIT` or `WAITAOF` behind them.
///
/// Either covers what was written before the last command of its own connection that wrote something: with a mark behind them that is
/// what the commands wrote, and what they found written by others. It holds up whatever is behind it, so nothing else may use the
/// connection.
final class AwaitedBatch: Sendable {
    typealias Caller = UnsafeContinuation<AwaitedReply, Never>

    private struct State {
        /// Of the commands, the marks and, last, of the wait.
        var replies: [Request.Reply?]
        var missing: Int
    }

    private let callers: [Caller]
    private let state: NIOLockedValueBox<State>
    private let ended: @Sendable () -> Void

    /// - Parameters:
    ///   - callers: One for each command.
    ///   - marks: How many there are, 1 or more.
    ///   - ended: Called before they are resumed.
    init(of callers: [Caller], marks: Int, ended: @escaping @Sendable () -> Void) {
        self.callers = callers
        let count = callers.count + marks + 1
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
        // A mark that was not written, for want of memory or since its slot moves, proves nothing; any other one does.
        let isMarked = replies.dropLast().suffix(from: self.callers.count).contains {
            if case .success? = $0 { true } else { false }
        }
        var copies = 0
        if isMarked, case .success(let answer)?? = replies.last { copies = WriteReach.copies(in: answer) }
        self.ended()
        for case (let caller, let reply?) in zip(self.callers, replies) {
            caller.resume(returning: AwaitedReply(reply: reply, copies: copies))
        }
    }
}
