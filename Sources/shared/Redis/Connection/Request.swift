internal import NIOCore

/// A command on its way, and the caller that waits for its reply.
struct Request: Sendable {
    typealias Reply = Result<RedisValue, RedisError>
    /// Unsafe, for it is resumed exactly once by construction: a request is in one queue only (mailbox, waiting or in
    /// flight), and what takes it out resumes it.
    ///
    /// The checked kind costs an allocation per command.
    typealias Caller = UnsafeContinuation<Reply, Never>

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
