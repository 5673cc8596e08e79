import Domain
import NIOConcurrencyHelpers
import NIOCore
import Runtime

/// One connection as the rest of the process knows it: where its notifications are put, and what follows queues for it.
final class Session: Sendable {
    private struct Follower {
        let task: Task<Void, Never>
        /// Signalled when nothing waits for the client any more.
        let drained: AsyncSignal
    }

    private struct State {
        var outbox: Outbox
        var followers: [SubscriptionID: Follower] = [:]
    }

    let id: SessionID
    let eventLoop: any EventLoop
    private let state: NIOLockedValueBox<State>
    private let bytes: SessionBytes
    private let handler: NIOLoopBound<SessionHandler>

    init(
        _ id: SessionID, _ handler: SessionHandler, on eventLoop: any EventLoop, _ limits: SessionLimits,
        _ bytes: SessionBytes
    ) {
        self.id = id
        self.eventLoop = eventLoop
        self.bytes = bytes
        self.state = NIOLockedValueBox(
            State(outbox: Outbox(framesMax: limits.framesMax, bytesMax: limits.bytesMax)))
        self.handler = NIOLoopBound(handler, eventLoop: eventLoop)
    }

    // MARK: - From any thread

    /// Bytes that wait for the client, of an answer too.
    var waitingBytes: Int { self.state.withLockedValue { $0.outbox.bytes + $0.outbox.answerBytes } }

    /// Puts a frame behind those that wait; the bytes of it have been taken.
    func offer(_ frame: ByteBuffer) -> Outbox.Offer { self.state.withLockedValue { $0.outbox.offer(frame) } }

    /// Ends a connection that does not read: what waits for it is given up at once.
    func shed() {
        self.end(with: nil, dropsRest: true)
        self.eventLoop.execute { self.handler.value.overflowed() }
    }

    /// Ends a connection whose client is to come back, once what it asked for is answered.
    func restart() { self.eventLoop.execute { self.handler.value.restart() } }

    // MARK: - Followers

    /// Has a task follow a queue until ``unfollow(_:)``, or until the connection ends.
    ///
    /// - Parameter run: Gets what is signalled when nothing waits for the client, and finished when it is to end.
    /// - Returns: False when the connection ends already: nothing runs.
    func follow(_ id: SubscriptionID, _ run: @escaping @Sendable (AsyncSignal) async -> Void) -> Bool {
        self.state.withLockedValue { state in
            guard !state.outbox.isOver else { return false }
            let drained = AsyncSignal()
            // Not in a group: the registry waits for it.
            state.followers[id] = Follower(task: Task { await run(drained) }, drained: drained)
            return true
        }
    }

    /// Ends it: it puts no further frame here.
    func unfollow(_ id: SubscriptionID) {
        if let follower = self.state.withLockedValue({ $0.followers.removeValue(forKey: id) }) { Self.end([follower]) }
    }

    private static func end(_ followers: [Follower]) {
        for follower in followers {
            follower.drained.finish()
            follower.task.cancel()
        }
    }

    /// Whether the client has been written all that waited; nil when the follower is to end.
    func isDrained(for follower: SubscriptionID) -> Bool? {
        self.state.withLockedValue { $0.followers[follower] == nil ? nil : $0.outbox.isEmpty }
    }

    /// Puts a frame of a follower behind those that wait, if they are few; the bytes of it have been taken.
    func offer(_ frame: ByteBuffer, of follower: SubscriptionID) -> Outbox.Offer {
        self.state.withLockedValue { $0.followers[follower] == nil ? .over : $0.outbox.offerFollowed(frame) }
    }

    // MARK: - On the event loop

    func drain() { self.handler.value.drain() }

    func hold() { self.state.withLockedValue { $0.outbox.hold() } }

    func release() { self.state.withLockedValue { $0.outbox.release() } }

    func take() -> ByteBuffer? {
        let (taken, waiting) = self.state.withLockedValue { state in
            let frame = state.outbox.take()
            return (frame, frame != nil && state.outbox.isEmpty ? state.followers.values.map(\.drained) : [])
        }
        guard let taken else { return nil }
        self.bytes.giveBack(taken.readableBytes)
        for drained in waiting { drained.signal() }
        return taken
    }

    /// - Parameter bytes: Of an answer that the kernel has not taken; 0 once it has.
    func answerWaits(_ bytes: Int) { self.change { $0.answerWaits(bytes) } }

    /// Ends what follows queues, too.
    ///
    /// - Parameter frame: A last one; nil: none.
    func end(with frame: ByteBuffer?, dropsRest: Bool) {
        self.change { $0.end(with: frame, dropsRest: dropsRest) }
        let followers = self.state.withLockedValue { state in
            defer { state.followers = [:] }
            return Array(state.followers.values)
        }
        Self.end(followers)
    }

    private func change(_ body: (inout Outbox) -> Void) {
        let change = self.state.withLockedValue { state in
            let before = state.outbox.bytes + state.outbox.answerBytes
            body(&state.outbox)
            return state.outbox.bytes + state.outbox.answerBytes - before
        }
        self.bytes.change(by: change)
    }
}
