import Glibc
import Logging
import NIOCore
import TLS

/// One connection: reads a request, has it answered, writes the answer, and only then reads the next one.
///
/// Everything happens on the event loop of the connection. What comes next is decided by ``ConnectionState``.
final class HTTPConnection: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let core: ListenerCore
    private let loop: ListenerLoop
    private let channel: any Channel
    private var context: ChannelHandlerContext?
    private var state = ConnectionState(at: .now())
    private var parser: HeadParser
    private var account: CallerAccount
    private var input = InputBuffer()
    private var isReading = false
    private var isAdvancing = false
    private var encryption: ConnectionEncryption
    /// Where this connection stands in the list of its loop; kept by that.
    var index = 0

    // The request.
    /// Counts requests: what a task wants of another one comes too late.
    private var number: UInt64 = 0
    private var isHead = false
    /// The request only reads, so that its answer may be refused although it is there.
    private var isSafe = true
    private var body: RequestBody
    private var task: Task<Void, Never>?
    /// Since when the task waits for something, and ends with the peer; nil otherwise.
    private var waitingSince: NIODeadline?

    // The answer.
    private var progress = AnswerProgress(of: 0, at: .now())
    /// Since when the connection waits to be closed until what is written has left; nil otherwise.
    private var endingSince: NIODeadline?
    private var awaitsWritability = false
    private var stream = AnswerStream()

    init(_ core: ListenerCore, _ loop: ListenerLoop, _ channel: any Channel) {
        self.core = core
        self.loop = loop
        self.channel = channel
        self.parser = HeadParser(core.limits)
        self.account = CallerAccount(core)
        self.body = RequestBody(of: nil, core.limits)
        self.encryption = ConnectionEncryption(core.tls)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.loop.add(self)
        if context.channel.isActive { self.begin() }
    }

    func channelActive(context: ChannelHandlerContext) { self.begin() }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.loop.remove(self)
        self.end()
    }

    private func begin() {
        guard self.account.begin(self.channel.remoteAddress) else { return self.close() }
        if !self.account.awaitsProxyHeader { self.encrypt() }
        self.readIfWanted()
    }

    /// Has everything from here on encrypted, where the listener wants it so.
    private func encrypt() {
        guard let context = self.context else { return }
        // A pipeline that takes no handler belongs to a channel that is closed.
        do { try self.encryption.begin(before: self, in: context, at: .now()) } catch { self.close() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = self.unwrapInboundIn(data)
        let bytesMax =
            self.state.body == .unread ? self.core.limits.unreadBodyBytesMax : self.core.limits.bufferedBytesMax
        if self.state.step == .wait, self.input.count + part.readableBytes > bytesMax {
            // What a peer sent before it closed arrives at once, however much it is.
            self.state.endAfterAnswer()
            return
        }
        self.input.append(part)
        self.advance()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.isReading = false
        self.readIfWanted()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        self.resumeStream(true)
        if self.awaitsWritability { self.written() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event as? ChannelEvent == .inputClosed else { return context.fireUserInboundEventTriggered(event) }
        self.perform(self.state.inputClosed(hasInput: self.input.count > 0))
        self.endWait()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? TLSError {
            self.core.logger.debug("A TLS connection ended", metadata: ["reason": "\(error)"])
        }
        // A reset, or a write that failed: the connection has no use any more.
        self.close()
    }

    func channelInactive(context: ChannelHandlerContext) {
        _ = self.state.closed()
        self.end()
        context.fireChannelInactive()
    }

    /// Lets nothing wait for a connection that has ended.
    private func end() {
        self.endWait()
        self.number += 1
        self.body.end(.failure(.incomplete))
        self.resumeStream(false)
        self.account.end()
        self.context = nil
    }

    // MARK: From the loop

    /// How long the peer has taken nothing of an answer that takes of the bytes in flight; nil without such a one.
    var stalledTime: TimeAmount? {
        let now = NIODeadline.now()
        guard self.account.bytes > 0, self.state.writingTime(at: now) != nil else { return nil }
        return self.progress.stalledTime(at: now)
    }
    var idleTime: TimeAmount? { self.state.idleTime(at: .now()) }
    var slowTime: TimeAmount? { self.state.slowTime(at: .now(), self.core.limits) }

    /// How long its request has waited; nil while none does.
    var waitingTime: TimeAmount? { self.waitingSince.map { .now() - $0 } }

    func stop() {
        self.perform(self.state.stop(at: .now()))
        self.endWait()
    }

    /// Has a request that waits answered as if its time were over, and ends the connection with that.
    func endAfterWait() {
        self.state.endAfterAnswer()
        self.endWait()
    }

    /// Ends the connection and the task of its request, whatever they are doing.
    func abort() {
        self.task?.cancel()
        self.close()
    }

    /// Ends the connection, whatever of its answer has not left.
    func close() {
        self.account.giveBack()
        _ = self.state.closed()
        self.context?.close(promise: nil)
    }

    /// Ends the connection once what is written has left.
    private func closeInOrder() {
        guard let context = self.context, self.endingSince == nil else { return }
        self.endingSince = .now()
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in self.close() }
    }

    func timePassed(at now: NIODeadline) {
        guard !self.encryption.isOverdue(at: now, self.core.limits) else { return self.close() }
        let isWriting = self.state.writingTime(at: now) != nil
        // Without an answer to any question there is nothing that could be overdue.
        let unwritten = isWriting ? (try? self.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0 : 0
        self.progress.noted(unwritten: unwritten, at: now)
        if let endingSince = self.endingSince, now - endingSince > self.core.limits.discardingMax {
            return self.close()
        }
        let action = self.state.timePassed(
            unwritten: unwritten, written: self.progress.taken, at: now, self.core.limits)
        // A peer that reads too slowly is not waited for.
        if action == .close, unwritten > 0 { self.close() } else { self.perform(action) }
    }

    // MARK: In

    private func readIfWanted() {
        guard !self.isReading, !self.state.isInputClosed, let context = self.context,
            self.state.step != .wait || self.input.count < self.core.limits.readAheadBytesMax
        else { return }
        self.isReading = true
        context.read()
    }

    private func perform(_ action: ConnectionState.Action) {
        switch action {
        case .none: break
        case .advance: self.advance()
        case .close: self.closeInOrder()
        case .shutOutput:
            self.context?.close(mode: .output, promise: nil)
            self.advance()
        case .refuse(let fault): self.refuse(fault)
        }
    }

    /// Reads as many requests as have arrived and can be answered.
    private func advance() {
        guard !self.isAdvancing else { return }
        self.isAdvancing = true
        while self.context != nil, self.advanceOnce() {}
        self.isAdvancing = false
        self.context?.flush()
        guard self.account.hold(input: self.input.count) else { return self.close() }
        self.readIfWanted()
    }

    /// - Returns: Whether there may be more to do.
    private func advanceOnce() -> Bool {
        do throws(HTTPRequestFault) {
            switch self.state.step {
            case .wait: return false
            case .drop:
                self.perform(self.state.bytesPassed(self.input.take().readableBytes, self.core.limits))
                return false
            case .parseHead:
                let isRequest = try self.account.readProxyHeader(&self.input.bytes)
                if isRequest, self.encryptRest() { return true }
                guard isRequest, let head = try self.parser.next(&self.input.bytes) else {
                    self.state.headArrived(self.input.count > 0, at: .now())
                    return self.awaitInput()
                }
                self.begin(head)
            case .parseBody:
                switch try self.body.next(&self.input.bytes) {
                case .incomplete: return self.awaitInput()
                case .bytes(let part): self.received(part)
                case .end: self.bodyEnded()
                }
            }
            return true
        } catch {
            self.refuse(error)
            return false
        }
    }

    /// Has what stands behind the header of a proxy decrypted.
    ///
    /// - Returns: Whether it was to be; then what there is of a request arrives anew.
    private func encryptRest() -> Bool {
        guard self.encryption.isMissing, !self.account.awaitsProxyHeader else { return false }
        let rest = self.input.take()
        self.encrypt()
        if rest.readableBytes > 0 { self.context?.pipeline.syncOperations.fireChannelRead(NIOAny(rest)) }
        return true
    }

    private func awaitInput() -> Bool {
        if self.state.isInputClosed { self.perform(self.state.inputMissing()) }
        return false
    }

    private func begin(_ head: HTTPRequestHead) {
        self.account.begin(head)
        self.number += 1
        self.isHead = head.method == .head
        self.isSafe = head.method.isSafe
        self.body = RequestBody(of: head, self.core.limits)
        self.state.headEnded(head, at: .now())
        // Before it is done: what has been done is answered, however much is in flight.
        guard self.isSafe || !self.core.ledger.isFull else { return self.refuse(.overloaded, head) }
        switch self.core.respond(head) {
        case .answer(let answer) where answer.stream == nil: self.answer(answer, to: self.number)
        case .answer(let answer): self.start { _ in answer }
        case .task(let work): self.start(work)
        // Its body would be the first bytes of the other protocol.
        case .upgrade where head.hasBody: self.refuse(.contentLength)
        case .upgrade(let fields, let addHandlers): self.upgrade(fields, addHandlers, of: head)
        }
    }

    private func start(_ work: @escaping @Sendable (HTTPExchange) async -> HTTPAnswer) {
        let exchange = HTTPExchange(self, on: self.loop.eventLoop, number: self.number)
        // Not in a group: the listener waits for it, also when its connection ends before.
        self.core.beginTask()
        self.task = Task(executorPreference: self.loop.executor) { [core] in
            await exchange.finish(await work(exchange))
            core.endTask()
        }
    }

    private func upgrade(_ fields: HTTPFields, _ addHandlers: HTTPAction.AddHandlers, of request: HTTPRequestHead) {
        guard let context = self.context else { return }
        let answer = HTTPAnswer(status: .switchingProtocols, headers: fields)
        let (head, _) = self.loop.writer.bytes(answer, .none, framing: .length, hasBody: false, self.channel.allocator)
        context.writeAndFlush(self.wrapOutboundOut(head), promise: nil)
        self.state.upgraded(at: .now())
        do {
            try addHandlers(self.channel, self.callerAddress(of: request))
        } catch {
            return self.close()
        }
        if self.input.count > 0 { context.fireChannelRead(self.wrapInboundOut(self.input.take())) }
        self.loop.addUpgraded(self.channel)
        self.account.handOver(until: self.channel.closeFuture)
        // It came before the handlers did.
        if self.state.isInputClosed { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        // Reads are those of the other protocol from here on.
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    func callerAddress(of head: HTTPRequestHead) -> SocketAddress? { self.account.address(of: head) }

    // MARK: Waiting

    /// The task of the request is cancelled from here on when the peer closes its side, and when the listener stops.
    ///
    /// - Returns: false when it has to be already.
    func beginWait(of number: UInt64) -> Bool {
        guard number == self.number, !self.state.isInputClosed, !self.state.isStopping else { return false }
        self.waitingSince = .now()
        return true
    }

    func waited(of number: UInt64) { if number == self.number { self.waitingSince = nil } }

    private func endWait() {
        guard self.waitingSince != nil else { return }
        self.waitingSince = nil
        self.task?.cancel()
    }

    // MARK: Body

    func readBody(upTo bytesMax: Int, of number: UInt64, _ waiter: RequestBody.Waiter) {
        guard number == self.number else { return waiter.resume(returning: .failure(.incomplete)) }
        guard self.state.body == .unread else { return waiter.resume(returning: .success(ByteBuffer())) }
        guard self.body.contentLength ?? 0 <= bytesMax else {
            self.state.bodyRefused(at: .now())
            return waiter.resume(returning: .success(nil))
        }
        self.body.collect(upTo: bytesMax, for: waiter)
        // A sender whose body is here already waits for nothing.
        if self.state.bodyWanted(at: .now()), self.input.count == 0 {
            self.context?.writeAndFlush(self.wrapOutboundOut(AnswerWriter.continueHead), promise: nil)
        }
        self.advance()
    }

    private func received(_ part: ByteBuffer) {
        self.perform(self.state.bytesPassed(part.readableBytes, self.core.limits))
        guard self.state.body == .reading else { return }
        guard self.body.hasSpace(for: part) else {
            self.state.bodyRefused(at: .now())
            return self.body.end(.success(nil))
        }
        guard self.account.take(part.readableBytes) == .taken else { return self.refuse(.overloaded) }
        self.body.add(part)
    }

    private func bodyEnded() {
        let action = self.state.bodyEnded(at: .now())
        self.body.complete()
        self.perform(action)
    }

    // MARK: Out

    func answer(_ answer: HTTPAnswer, to number: UInt64) { if number == self.number { self.write(answer) } }

    /// - Parameter head: Of a request that reaches no responder; nil: there is none, or it has reached its responder.
    private func refuse(_ fault: HTTPRequestFault, _ head: HTTPRequestHead? = nil) {
        guard let action = self.state.refused(at: .now()) else {
            // What the task of the request answers comes too late from here on.
            self.number += 1
            self.isHead = false
            self.write(self.core.refuse(fault, head.map { ($0, self.callerAddress(of: $0)) }))
            return self.body.end(.failure(fault))
        }
        self.perform(action)
    }

    private func write(_ answer: HTTPAnswer) {
        guard let context = self.context else { return }
        var answer = answer
        if answer.body.readableBytes > AnswerWriter.smallBytesMax, !self.isHead,
            !self.hasSpace(for: answer.body.readableBytes)
        {
            answer = self.core.refuse(.overloaded, nil)
        }
        let (head, body) = self.bytes(of: answer, framing: .length)
        if body != nil { context.write(self.wrapOutboundOut(head), promise: nil) }
        self.writeEnd(body ?? head)
    }

    /// Takes bytes for an answer; where the process has none left, from the connection that has stood still for longest.
    private func hasSpace(for count: Int) -> Bool {
        switch self.account.take(count, isDue: !self.isSafe) {
        case .taken: true
        case .refused: false
        case .processFull: self.loop.shedStalled() && self.account.take(count) == .taken
        }
    }

    private func bytes(
        of answer: HTTPAnswer, framing: AnswerWriter.Framing
    ) -> (head: ByteBuffer, body: ByteBuffer?) {
        let field = self.state.answered(isLast: answer.isLast || self.core.isShort, at: .now())
        let bytes = self.loop.writer.bytes(
            answer, field, framing: framing, hasBody: !self.isHead, self.channel.allocator)
        self.progress = AnswerProgress(
            of: bytes.head.readableBytes + (bytes.body?.readableBytes ?? 0), at: .now())
        return bytes
    }

    /// Writes the last bytes of an answer.
    private func writeEnd(_ bytes: ByteBuffer) {
        guard let context = self.context else { return }
        if self.state.endsWithAnswer {
            // Closing takes what is not written with it.
            let promise = context.eventLoop.makePromise(of: Void.self)
            promise.futureResult.assumeIsolated().whenComplete { _ in self.written() }
            return context.writeAndFlush(self.wrapOutboundOut(bytes), promise: promise)
        }
        context.write(self.wrapOutboundOut(bytes), promise: nil)
        // Small answers to requests that arrived together leave together.
        if !self.isAdvancing || !context.channel.isWritable { context.flush() }
        if context.channel.isWritable { return self.written() }
        self.awaitsWritability = true
        if self.progress.bytes <= AnswerWriter.smallBytesMax, !self.hasSpace(for: self.progress.bytes) { self.close() }
    }

    private func written() {
        self.awaitsWritability = false
        self.account.giveBack()
        self.perform(self.state.written(hasInput: self.input.count > 0, at: .now()))
    }

    // MARK: Stream

    /// Writes the head of an answer and what there is of its body.
    ///
    /// - Returns: Whether the rest of the body is wanted.
    func beginStream(_ answer: HTTPAnswer, to number: UInt64) -> Bool {
        guard number == self.number, let context = self.context else { return false }
        let framing: AnswerWriter.Framing = self.state.streamBegan() ? .chunked : .connectionEnd
        let (head, body) = self.bytes(of: answer, framing: framing)
        guard !self.isHead else {
            self.writeEnd(head)
            return false
        }
        self.stream.begin(framing)
        context.write(self.wrapOutboundOut(head), promise: nil)
        if let body { context.write(self.wrapOutboundOut(body), promise: nil) }
        context.flush()
        return true
    }

    /// Writes a part; `waiter` gets whether the next one is wanted, once there is space for it.
    func stream(_ bytes: ByteBuffer, of number: UInt64, _ waiter: AnswerStream.Waiter) {
        guard number == self.number, let part = self.stream.part(bytes, self.channel.allocator),
            let context = self.context
        else { return waiter.resume(returning: false) }
        let unwritten = (try? self.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        // A peer that has not taken the parts before does not get more time by another.
        if unwritten == 0 {
            self.state.streamed(at: .now())
            self.progress = AnswerProgress(of: part.readableBytes, at: .now())
        } else {
            self.progress.add(part.readableBytes)
        }
        context.writeAndFlush(self.wrapOutboundOut(part), promise: nil)
        guard !context.channel.isWritable else { return waiter.resume(returning: true) }
        self.stream.wait(waiter)
        if !self.hasSpace(for: part.readableBytes) { self.close() }
    }

    private func resumeStream(_ isWritten: Bool) {
        guard let waiter = self.stream.takeWaiter() else { return }
        self.account.giveBack()
        waiter.resume(returning: isWritten)
    }

    func endStream(of number: UInt64) {
        guard number == self.number, let last = self.stream.end() else { return }
        self.writeEnd(last)
    }

    /// Ends the connection in the middle of a body, and so that its peer notices also without chunks.
    func breakStream(of number: UInt64) {
        guard number == self.number, self.stream.end() != nil else { return }
        if let context = self.context { self.encryption.breakOff(in: context) }
        // Without it the connection ends as if the body were complete; it is closed all the same.
        _ = (self.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        self.close()
    }
}
