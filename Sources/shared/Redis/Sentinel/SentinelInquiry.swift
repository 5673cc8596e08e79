internal import NIOCore

/// One question to one Sentinel, on a connection of its own: where the master of a name is, and who else knows.
struct SentinelInquiry: Sendable {
    /// Leads to the Sentinel.
    let connector: RedisConnector
    let master: String

    /// - Returns: On `eventLoop`, within ``RedisLimits/sentinelTimeout``. It fails with ``SentinelFailure``.
    func answer(on eventLoop: any EventLoop) -> EventLoopFuture<SentinelAnswer> {
        let handshake = Handshake(as: self.connector.login, role: nil, identity: nil)
        let answer = eventLoop.makePromise(of: SentinelAnswer.self)
        let timer = eventLoop.scheduleTask(in: RedisLimits.sentinelTimeout) { answer.fail(SentinelFailure.unreachable) }
        self.connector.connect(after: nil, within: RedisLimits.sentinelTimeout, on: eventLoop) { [master] channel in
            let handler = SentinelHandler(handshake.steps.map(\.step), master: master, answer)
            try channel.pipeline.syncOperations.addHandler(handler)
        }
        .whenComplete { result in
            switch result {
            case .failure(let error): answer.fail(SentinelFailure(ofConnection: error))
            case .success(let channel):
                var writer = CommandWriter()
                for command in handshake.steps.map(\.command) + self.questions { writer.write(command, to: channel) }
                writer.flush(channel)
                answer.futureResult.whenComplete { _ in channel.close(promise: nil) }
            }
        }
        answer.futureResult.whenComplete { _ in timer.cancel() }
        return answer.futureResult
    }

    private var questions: [EncodedCommand] {
        ["get-master-addr-by-name", "sentinels"].map { question in
            var command = RedisCommand("SENTINEL", arguments: 2)
            command.append(question)
            command.append(self.master)
            return command.encoded
        }
    }
}

/// Reads the replies to a handshake and the two questions.
private final class SentinelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let handshake: [Handshake.Step]
    private let master: String
    private let answer: EventLoopPromise<SentinelAnswer>
    private var decoder = ReplyDecoder(replyBytesMax: RedisLimits.sentinelReplyBytesMax)
    private var replies: [RedisValue] = []

    init(_ handshake: [Handshake.Step], master: String, _ answer: EventLoopPromise<SentinelAnswer>) {
        self.handshake = handshake
        self.master = master
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        do throws(SentinelFailure) {
            try self.read(self.unwrapInboundIn(data))
        } catch {
            self.answer.fail(error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.answer.fail(SentinelFailure.unreachable)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.answer.fail(SentinelFailure(ofConnection: error))
        context.close(promise: nil)
    }

    private func read(_ bytes: ByteBuffer) throws(SentinelFailure) {
        do throws(BrokenReply) {
            try self.decoder.feed(bytes)
            while self.replies.count < self.handshake.count + 2, let reply = try self.decoder.next() {
                self.replies.append(reply)
            }
        } catch {
            throw .unreadable
        }
        for (step, reply) in zip(self.handshake, self.replies) {
            if case .unusable(let reason) = Handshake.judge(step, answer: reply) { throw .refused(code: reason.code) }
        }
        guard self.replies.count == self.handshake.count + 2 else { return }
        let answers = self.replies.suffix(2)
        self.answer.succeed(
            try SentinelAnswer(
                master: answers[answers.startIndex], of: self.master, sentinels: answers[answers.startIndex + 1]))
    }
}
