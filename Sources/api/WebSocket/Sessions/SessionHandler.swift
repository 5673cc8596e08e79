import Domain
import HTTPServer
import NIOCore

/// One connection of the WebSocket protocol: reads a request, has it answered, writes the answer, and only then reads the next one.
///
/// Everything happens on the event loop of the connection. What comes next is decided by ``SessionState``.
final class SessionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Below this a message that arrives is not counted: every connection may have so much.
    private static let countedBytesMin = 8 * 1024

    private let endpoint: WebSocketEndpoint
    /// The address it comes from.
    private let caller: SocketAddress?
    private let executor: LoopExecutor
    private let id = SessionID()
    private let slot = SessionSlot()
    /// nil once the connection has ended.
    private var session: Session?
    private var context: ChannelHandlerContext?
    private var state: SessionState
    private var reader: FrameReader
    private var input = ByteBuffer()
    /// Bytes of the process that a message in part, or the request that is carried out, has taken.
    private var heldBytes = 0
    private var requestBytes = 0
    private var answerWaits = false
    /// What came is no frame: behind it nothing can be found again, and what comes is dropped until the client is gone.
    private var isBroken = false
    private var isReading = false
    private var isAdvancing = false
    private var timer: Scheduled<Void>?
    /// Of the first close frame.
    private var closeCode: CloseCode?
    /// A request to subscribe the connection was carried out.
    private var hasSubscribed = false
    private var tasks = 0

    init(_ endpoint: WebSocketEndpoint, from caller: SocketAddress?, on eventLoop: any EventLoop) {
        self.endpoint = endpoint
        self.caller = caller
        self.executor = LoopExecutor(eventLoop)
        self.state = SessionState(endpoint.limits, isAuthenticated: endpoint.isAuthenticated, at: .now())
        self.reader = FrameReader(messageBytesMax: endpoint.limits.messageBytesMax)
    }

    // MARK: - Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let session = Session(
            self.id, self, on: context.eventLoop, self.endpoint.limits, self.endpoint.registry.bytes)
        self.session = session
        self.endpoint.registry.add(session)
        self.endpoint.metrics.opened()
        self.scheduleTimer()
        self.readIfWanted()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var part = self.unwrapInboundIn(data)
        if self.input.readableBytes == 0 { self.input = part } else { self.input.writeBuffer(&part) }
        self.state.heard(at: .now())
        self.advance()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.isReading = false
        self.readIfWanted()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        if self.answerWaits {
            self.answerWaits = false
            self.session?.answerWaits(0)
        }
        self.drain()
        self.advance()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: self.perform(self.state.ended())
        case is ChannelShouldQuiesceEvent: self.perform(self.state.stop(at: .now()))
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset, or a write that failed: the connection has no use any more.
        self.perform(self.state.ended())
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        // A connection that ended before it was handed over is never inactive here.
        self.end()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.end()
        context.fireChannelInactive()
    }

    private func end() {
        guard let session = self.session else { return }
        self.session = nil
        self.context = nil
        _ = self.state.ended()
        self.timer?.cancel()
        self.input = ByteBuffer()
        self.requestBytes = 0
        self.hold(0)
        session.end(with: nil, dropsRest: true)
        self.slot.end()
        self.endpoint.registry.remove(session)
        self.endpoint.metrics.closed(self.closeCode)
        self.endSubscriptions()
    }

    /// Ends what the connection has subscribed, once no request of it can subscribe anything more.
    private func endSubscriptions() {
        guard self.session == nil, self.tasks == 0, self.hasSubscribed else { return }
        self.hasSubscribed = false
        let (id, registry, subscriptions) = (self.id, self.endpoint.registry, self.endpoint.subscriptions)
        // Not in a group: the registry waits for it.
        registry.beginTask()
        Task {
            await subscriptions.ended(id)
            registry.endTask()
        }
    }

    // MARK: - In

    private func readIfWanted() {
        guard !self.isReading, self.state.readsFrames, let context = self.context, context.channel.isWritable else {
            return
        }
        self.isReading = true
        context.read()
    }

    /// Takes as many frames as have arrived and can be answered.
    ///
    /// While the client takes no answers, its requests wait with the kernel.
    private func advance() {
        guard !self.isAdvancing else { return }
        self.isAdvancing = true
        while !self.isBroken, self.state.readsFrames, let context = self.context, context.channel.isWritable {
            do throws(FrameFault) {
                guard let event = try self.reader.next(&self.input) else { break }
                self.endpoint.metrics.received()
                self.take(event)
            } catch {
                self.giveUpInput()
                self.perform(self.state.failed(error, at: .now()))
            }
        }
        self.isAdvancing = false
        if self.isBroken || self.input.readableBytes == 0 { self.input = ByteBuffer() }
        self.context?.flush()
        self.state.messagePending(self.reader.heldBytes > 0, at: .now())
        if !self.hold(self.requestBytes + self.reader.heldBytes) { self.refuseInput() }
        self.readIfWanted()
    }

    private func refuseInput() {
        self.giveUpInput()
        self.perform(self.state.overloaded("The server has no memory left for the message.", at: .now()))
    }

    private func giveUpInput() {
        self.isBroken = true
        self.reader = FrameReader(messageBytesMax: 0)
        self.hold(self.requestBytes)
    }

    /// Counts the bytes of a message in part, or of a request, among those that all clients send.
    @discardableResult
    private func hold(_ count: Int) -> Bool {
        let wanted = count < Self.countedBytesMin ? 0 : count
        let more = wanted - self.heldBytes
        guard more <= 0 || self.endpoint.registry.inputBytes.take(more) else { return false }
        if more < 0 { self.endpoint.registry.inputBytes.giveBack(-more) }
        self.heldBytes = wanted
        return true
    }

    private func take(_ event: FrameReader.Event) {
        switch event {
        case .ping(let payload): if self.state.isOpen { self.write(FrameWriter.pong(payload)) }
        case .pong: break
        case .close(let code):
            self.closeCode = self.closeCode ?? code
            self.perform(self.state.closeArrived(code))
        case .message(let format, let message): if self.state.isOpen { self.take(message, format) }
        }
    }

    private func take(_ message: ByteBuffer, _ format: FrameFormat) {
        guard let session = self.session else { return }
        let request = SessionRequest(
            session: self.id, caller: self.caller, access: self.state.identity.access, slot: self.slot,
            now: .ofThisMachine(), message: message, format: format)
        switch self.endpoint.responder.begin(request) {
        case .answer(let frame): self.write(answer: frame)
        case .authenticate(let authentication): self.begin(authentication)
        case .perform(let work):
            guard self.hold(work.bytes) else { return self.refuseInput() }
            self.requestBytes = work.bytes
            self.state.requestBegan()
            session.hold()
            if work.subscribesSession { self.hasSubscribed = true }
            self.start({ await work.answer() }) { $0.finish($1) }
        }
    }

    /// Runs what waits for the store or another service, beside the connection.
    private func start<Outcome: Sendable>(
        _ body: @escaping @Sendable () async -> Outcome,
        _ finish: @escaping @Sendable (SessionHandler, Outcome) -> Void
    ) {
        guard let context = self.context else { return }
        let (registry, eventLoop) = (self.endpoint.registry, context.eventLoop)
        let handler = NIOLoopBound(self, eventLoop: eventLoop)
        self.tasks += 1
        // Not in a group: the registry waits for it, also when the connection ends before.
        registry.beginTask()
        Task(executorPreference: self.executor) {
            let outcome = await body()
            eventLoop.execute {
                handler.value.tasks -= 1
                finish(handler.value, outcome)
                handler.value.endSubscriptions()
                registry.endTask()
            }
        }
    }

    private func finish(_ answer: SessionAnswer) {
        self.requestBytes = 0
        guard self.context != nil else { return }
        // Behind a close frame nothing is sent.
        if self.state.isOpen { self.write(answer: answer.frame) }
        self.session?.release()
        self.perform(self.state.answered(isSigned: answer.isSigned, at: .now()))
        self.drain()
        self.advance()
    }

    // MARK: - Identity

    private func begin(_ authentication: SessionAuthentication) {
        guard self.state.authenticationBegan() else { return self.write(answer: authentication.refusal()) }
        self.start({ await authentication.outcome() }) { $0.finish($1) }
    }

    private func finish(_ outcome: SessionAuthentication.Outcome) {
        guard self.context != nil else { return }
        if self.state.isOpen { self.write(answer: outcome.frame) }
        self.perform(self.state.authenticationEnded(outcome.identity, hasSubscribed: self.hasSubscribed, at: .now()))
        self.scheduleTimer()
        self.context?.flush()
    }

    /// Has the identity looked at again, beside the requests.
    private func check() {
        guard let check = self.state.identityCheck(at: .now()) else { return }
        let authenticator = self.endpoint.responder.authenticator
        self.start({ await authenticator.checked(check.identity, at: .ofThisMachine()) }) { handler, result in
            guard handler.context != nil else { return }
            handler.perform(handler.state.identityChecked(check, result, at: .now()))
            handler.scheduleTimer()
        }
    }

    // MARK: - Out

    /// Writes a frame now; it leaves with the next flush.
    private func write(_ frame: ByteBuffer) {
        guard let context = self.context else { return }
        self.endpoint.metrics.sent()
        context.write(self.wrapOutboundOut(frame), promise: nil)
        if !self.isAdvancing || !context.channel.isWritable { context.flush() }
    }

    /// Writes an answer, and counts it while the kernel does not take it: it may be large.
    private func write(answer frame: ByteBuffer) {
        self.write(frame)
        guard let context = self.context, !context.channel.isWritable else { return }
        self.answerWaits = true
        self.session?.answerWaits(frame.readableBytes)
        self.endpoint.registry.keepBound()
    }

    /// Writes what waits, as far as the client takes it.
    func drain() {
        guard let context = self.context, let session = self.session else { return }
        while context.channel.isWritable, let frame = session.take() {
            self.endpoint.metrics.sent()
            context.write(self.wrapOutboundOut(frame), promise: nil)
        }
        context.flush()
    }

    /// Its client is to subscribe again, on a new connection.
    func restart() { self.perform(self.state.stop(at: .now())) }

    /// More waits for the client, or for all of them, than may.
    func overflowed() {
        self.perform(self.state.overloaded("The client does not read its notifications in time.", at: .now()))
    }

    private func perform(_ action: SessionState.Action) {
        switch action {
        case .none: break
        // Before what waits: a client that reads slowly shows that it is there.
        case .ping: self.write(FrameWriter.ping)
        case .check: self.check()
        case .close(let code, let reason):
            self.closeCode = self.closeCode ?? code
            // What waits goes first, unless it is what the client does not read, or may not read any more.
            let dropsRest = code == .overloaded || code == .authenticationExpired
            self.session?.end(with: FrameWriter.close(code, reason), dropsRest: dropsRest)
            self.drain()
            self.scheduleTimer()
        case .acknowledge(let code):
            self.session?.end(with: nil, dropsRest: true)
            self.closeInOrder(with: FrameWriter.close(code, ""))
        case .end: self.context?.close(promise: nil)
        }
    }

    /// Ends the connection once a last frame has left, or after a while.
    private func closeInOrder(with frame: ByteBuffer) {
        guard let context = self.context else { return }
        self.endpoint.metrics.sent()
        let channel = context.channel
        context.writeAndFlush(self.wrapOutboundOut(frame)).assumeIsolated().whenComplete { _ in
            channel.close(promise: nil)
        }
        self.timer?.cancel()
        self.timer = context.eventLoop.scheduleTask(in: self.endpoint.limits.closeMax) { channel.close(promise: nil) }
    }

    // MARK: - Time

    private func scheduleTimer() {
        guard let context = self.context, let delay = self.state.delay(at: .now(), clock: .ofThisMachine()) else {
            return
        }
        self.timer?.cancel()
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        self.timer = context.eventLoop.scheduleTask(in: delay) {
            // To cancel what has run, the event loop would search the timers of all its connections.
            handler.value.timer = nil
            handler.value.perform(handler.value.state.timePassed(at: .now(), clock: .ofThisMachine()))
            handler.value.scheduleTimer()
        }
    }
}
