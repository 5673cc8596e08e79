package import NIOCore

/// Encrypts what a connection writes, and decrypts what it reads: stands in front of the handlers that deal in clear bytes.
///
/// ```
///   socket ◄── records ── TLSHandler ◄── bytes ── HTTPConnection, ReplyHandler …
/// ```
///
/// It keeps nothing back: what is written is encrypted at once, so that the water marks of the channel and its count of unwritten bytes
/// mean the same as without it, and what has arrived is decrypted at once, so that a read brings at most as many bytes as it took from
/// the socket. The `close_notify` of a peer is the end of its input; an end without it is an error.
package final class TLSHandler: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    /// An outbound event: the connection is closed without `close_notify`, so that its peer does not take what it has for the whole.
    package struct Break: Sendable {
        package init() {}
    }

    private enum State: Equatable {
        case handshake, established
        /// Nothing more is sent or read.
        case ended
    }

    /// Bytes that a peer may have us answer, below the application, while it reads nothing.
    private static let unreadBytesMax = 16 * 1024

    private let context: TLSContext
    private let server: String?
    private let clearTextAnswer: ByteBuffer?
    private let established: EventLoopPromise<Void>?
    private var session: TLSSession?
    private var state = State.handshake
    private var isInputClosed = false
    private var isOutputClosed = false
    private var unreadBytes = 0

    private init(
        _ context: TLSContext, to server: String?, clearTextAnswer: ByteBuffer?, established: EventLoopPromise<Void>?
    ) {
        self.context = context
        self.server = server
        self.clearTextAnswer = clearTextAnswer
        self.established = established
    }

    /// - Parameter clearTextAnswer: Sent in the clear to a peer that speaks HTTP without TLS.
    package static func server(_ context: TLSContext, clearTextAnswer: ByteBuffer? = nil) -> TLSHandler {
        TLSHandler(context, to: nil, clearTextAnswer: clearTextAnswer, established: nil)
    }

    /// - Parameters:
    ///   - server: The name or address the certificate of the server has to be valid for.
    ///   - established: Succeeds after the handshake, and fails when there is none.
    package static func client(
        _ context: TLSContext, to server: String, established: EventLoopPromise<Void>
    ) -> TLSHandler {
        TLSHandler(context, to: server, clearTextAnswer: nil, established: established)
    }

    /// Whether the handshake is over.
    package var isEstablished: Bool { self.state != .handshake }

    // MARK: Life

    package func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { self.begin(context) }
    }

    package func channelActive(context: ChannelHandlerContext) {
        self.begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard self.session == nil, self.state == .handshake else { return }
        self.session = self.context.session(to: self.server, context.channel.allocator)
        guard self.session != nil else { return self.fail(.handshake("no memory, or no name of a host"), context) }
        self.advance(context)
        // What stands behind may have nothing to read before it has something to write.
        if self.state == .handshake { context.read() }
    }

    package func handlerRemoved(context: ChannelHandlerContext) { self.end() }

    package func channelInactive(context: ChannelHandlerContext) {
        if self.state != .ended, !self.isInputClosed { context.fireErrorCaught(TLSError.truncated) }
        self.end()
        context.fireChannelInactive()
    }

    private func end(_ error: TLSError = .truncated) {
        self.state = .ended
        self.session = nil
        // Without effect once the handshake is over.
        self.established?.fail(error)
    }

    private func fail(_ error: TLSError, _ context: ChannelHandlerContext) {
        guard self.state != .ended else { return }
        // The alert that says why, or what a client without TLS understands.
        let last = error == .clearText ? self.clearTextAnswer : self.session?.takeOutput()
        if let last { context.writeAndFlush(self.wrapOutboundOut(last), promise: nil) }
        self.end(error)
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }

    // MARK: In

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Behind `close_notify`, or after a failure, nothing means anything.
        guard let session = self.session, !self.isInputClosed else { return }
        session.receive(self.unwrapInboundIn(data))
        self.advance(context)
    }

    package func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        if self.state == .handshake { context.read() }
    }

    /// Does what can be done with what has arrived.
    private func advance(_ context: ChannelHandlerContext) {
        guard let session = self.session else { return }
        if self.state == .handshake {
            do throws(TLSError) {
                guard try session.handshake() else { return self.sendOutput(of: session, context) }
            } catch {
                return self.fail(error, context)
            }
            self.state = .established
            self.sendOutput(of: session, context)
            self.established?.succeed()
        }
        let reading = session.read()
        self.sendOutput(of: session, context)
        // Behind an alert nothing can be written, an answer to the bytes before it included.
        if case .failed = reading.end { self.isOutputClosed = true }
        if let bytes = reading.bytes { context.fireChannelRead(self.wrapInboundOut(bytes)) }
        switch reading.end {
        case .closed: self.inputClosed(context)
        case .failed(let error): self.fail(error, context)
        case nil: break
        }
    }

    /// Sends what TLS itself has to say.
    private func sendOutput(of session: TLSSession, _ context: ChannelHandlerContext) {
        if context.channel.isWritable { self.unreadBytes = 0 }
        guard let output = session.takeOutput() else { return }
        self.unreadBytes += output.readableBytes
        guard self.unreadBytes <= Self.unreadBytesMax else { return self.fail(.unread, context) }
        context.writeAndFlush(self.wrapOutboundOut(output), promise: nil)
    }

    private func inputClosed(_ context: ChannelHandlerContext) {
        guard self.state == .established, !self.isInputClosed else { return }
        self.isInputClosed = true
        // A server may still answer; to a client that is over, nothing more comes.
        if self.server == nil {
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        } else {
            self.close(context: context, mode: .all, promise: nil)
        }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event as? ChannelEvent == .inputClosed else { return context.fireUserInboundEventTriggered(event) }
        if !self.isInputClosed { self.fail(.truncated, context) }
    }

    // MARK: Out

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = self.unwrapOutboundIn(data)
        // Nothing is no record, and still arrives behind what was written before it.
        guard bytes.readableBytes > 0 else { return context.write(data, promise: promise) }
        guard let session = self.session, self.state == .established, !self.isOutputClosed else {
            return self.refuse(promise)
        }
        do throws(TLSError) {
            try session.write(bytes) { piece, isLast in
                context.write(self.wrapOutboundOut(piece), promise: isLast ? promise : nil)
            }
        } catch {
            promise?.fail(error)
            self.fail(error, context)
        }
    }

    private func refuse(_ promise: EventLoopPromise<Void>?) {
        promise?.fail(self.state == .handshake ? TLSError.notEstablished : ChannelError.outputClosed)
    }

    package func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        guard event is Break else { return context.triggerUserOutboundEvent(event, promise: promise) }
        self.isOutputClosed = true
        promise?.succeed()
    }

    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        let isSent = mode == .input || self.sendCloseNotify(context)
        if mode == .all { self.end() }
        guard !isSent else { return context.close(mode: mode, promise: promise) }
        // Of a flush that goes on around this call, `close_notify` is the next part. What the peer does not take by then it never gets.
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.execute { context.value.close(mode: mode, promise: promise) }
    }

    /// - Returns: Whether nothing of it waits.
    private func sendCloseNotify(_ context: ChannelHandlerContext) -> Bool {
        guard self.state == .established, !self.isOutputClosed, let session = self.session else { return true }
        self.isOutputClosed = true
        session.close()
        guard let output = session.takeOutput() else { return true }
        var isWritten = false
        context.writeAndFlush(self.wrapOutboundOut(output)).assumeIsolated().whenComplete { _ in isWritten = true }
        return isWritten
    }
}
