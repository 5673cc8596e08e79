import NIOConcurrencyHelpers
import NIOCore

/// One connection as the rest of the process knows it: where its notifications are put.
final class Session: Sendable {
    let id: SessionID
    let eventLoop: any EventLoop
    private let outbox: NIOLockedValueBox<Outbox>
    private let bytes: SessionBytes
    private let handler: NIOLoopBound<SessionHandler>

    init(
        _ id: SessionID, _ handler: SessionHandler, on eventLoop: any EventLoop, _ limits: SessionLimits,
        _ bytes: SessionBytes
    ) {
        self.id = id
        self.eventLoop = eventLoop
        self.bytes = bytes
        self.outbox = NIOLockedValueBox(Outbox(framesMax: limits.framesMax, bytesMax: limits.bytesMax))
        self.handler = NIOLoopBound(handler, eventLoop: eventLoop)
    }

    // MARK: - From any thread

    /// Bytes that wait for the client, of an answer too.
    var waitingBytes: Int { self.outbox.withLockedValue { $0.bytes + $0.answerBytes } }

    /// Puts a frame behind those that wait; the bytes of it have been taken.
    func offer(_ frame: ByteBuffer) -> Outbox.Offer { self.outbox.withLockedValue { $0.offer(frame) } }

    /// Ends a connection that does not read: what waits for it is given up at once.
    func shed() {
        self.end(with: nil, dropsRest: true)
        self.eventLoop.execute { self.handler.value.overflowed() }
    }

    /// Ends a connection whose client is to come back, once what it asked for is answered.
    func restart() { self.eventLoop.execute { self.handler.value.restart() } }

    // MARK: - On the event loop

    func drain() { self.handler.value.drain() }

    func hold() { self.outbox.withLockedValue { $0.hold() } }

    func release() { self.outbox.withLockedValue { $0.release() } }

    func take() -> ByteBuffer? {
        guard let frame = self.outbox.withLockedValue({ $0.take() }) else { return nil }
        self.bytes.giveBack(frame.readableBytes)
        return frame
    }

    /// - Parameter bytes: Of an answer that the kernel has not taken; 0 once it has.
    func answerWaits(_ bytes: Int) { self.change { $0.answerWaits(bytes) } }

    /// - Parameter frame: A last one; nil: none.
    func end(with frame: ByteBuffer?, dropsRest: Bool) { self.change { $0.end(with: frame, dropsRest: dropsRest) } }

    private func change(_ body: (inout Outbox) -> Void) {
        let change = self.outbox.withLockedValue { outbox in
            let before = outbox.bytes + outbox.answerBytes
            body(&outbox)
            return outbox.bytes + outbox.answerBytes - before
        }
        self.bytes.change(by: change)
    }
}
