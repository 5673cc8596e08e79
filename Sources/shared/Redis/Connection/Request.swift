internal import NIOCore

/// A command on its way, and the caller that waits for its reply.
struct Request: Sendable {
    typealias Reply = Result<RedisValue, RedisError>

    /// What gets the reply, exactly once by construction: a request is in one queue only (mailbox, waiting or in flight),
    /// and what takes it out resumes it.
    enum Caller: Sendable {
        /// Unsafe, since the checked kind costs an allocation per command.
        case task(UnsafeContinuation<Reply, Never>)
        /// Its reply says nothing.
        case none
        /// The part of that number.
        case batch(AwaitedBatch, Int)

        func resume(returning reply: Reply) {
            switch self {
            case .task(let task): task.resume(returning: reply)
            case .none: break
            case .batch(let batch, let index): batch.take(reply, at: index)
            }
        }
    }

    let command: EncodedCommand
    let deadline: NIODeadline
    /// The store it was made for, see ``ServerWatch``.
    var epoch = ServerWatch.anyEpoch
    /// Names a blocking read, to cancel it.
    ///
    /// 0 elsewhere: a pooled command is not cancelled.
    var ticket: UInt64 = 0
    let caller: Caller

    func ending(_ reason: RedisError.NotSent) -> Ending {
        Ending(caller: self.caller, reply: .failure(.notSent(reason)), bytes: self.command.bytes)
    }
}

/// The reply to give to a caller, and the bytes that no longer count.
struct Ending: Sendable {
    let caller: Request.Caller
    let reply: Request.Reply
    let bytes: Int
}
