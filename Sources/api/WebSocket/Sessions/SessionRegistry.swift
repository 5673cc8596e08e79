import Domain
import MessagePack
import NIOConcurrencyHelpers
package import NIOCore
import ServiceLifecycle

/// What became of a notification for a session.
package enum SessionSendResult: Sendable, Equatable {
    /// It waits for the client within the bounds of its connection, and is written in its turn.
    case written
    /// There is no such connection on this node, or it ends.
    case unknown
    /// The client does not read: its connection ends with code 1013.
    case full
    /// The notification is no JSON, and cannot be written in the format that is wanted.
    case unreadable
}

/// The connections of this node by their names, and everything that has to end before the process may.
package final class SessionRegistry: Service {
    private struct State {
        var sessions: [SessionID: Session] = [:]
        /// Tasks of requests, and of connections that have ended.
        var tasks = 0
        var ended: CheckedContinuation<Void, Never>?
    }

    let bytes: SessionBytes
    /// Of requests, in part or being carried out: counted apart, so that what clients send takes nothing from what others are sent.
    let inputBytes: SessionBytes
    private let state = NIOLockedValueBox(State())

    package init(_ limits: SessionLimits) {
        self.bytes = SessionBytes(bytesMax: limits.processBytesMax)
        self.inputBytes = SessionBytes(bytesMax: limits.processBytesMax)
    }

    package var count: Int { self.state.withLockedValue { $0.sessions.count } }

    func add(_ session: Session) { self.state.withLockedValue { $0.sessions[session.id] = session } }

    func session(_ id: SessionID) -> Session? { self.state.withLockedValue { $0.sessions[id] } }

    func remove(_ session: Session) { self.state.withLockedValue { $0.sessions[session.id] = nil } }

    // MARK: - Notifications

    /// Writes a notification to connections, from any thread.
    ///
    /// It is encoded once for each format, and all connections share the bytes.
    ///
    /// - Parameter notification: JSON.
    /// - Returns: A result for each target, in their order.
    package func send(
        _ notification: ByteBuffer, to targets: [(session: SessionID, format: FrameFormat)]
    ) -> [SessionSendResult] {
        var frames: [FrameFormat: ByteBuffer] = [:]
        var woken: [ObjectIdentifier: [Session]] = [:]
        let sessions = self.state.withLockedValue { state in targets.map { state.sessions[$0.session] } }
        let results = zip(sessions, targets).map { session, target in
            guard let session else { return SessionSendResult.unknown }
            guard let frame = frames[target.format] ?? Self.frame(notification, target.format) else {
                return .unreadable
            }
            frames[target.format] = frame
            guard self.take(frame.readableBytes) else {
                session.shed()
                return .full
            }
            let offer = session.offer(frame)
            if case .taken(let isFirst) = offer {
                if isFirst { woken[ObjectIdentifier(session.eventLoop), default: []].append(session) }
                return .written
            }
            self.bytes.giveBack(frame.readableBytes)
            guard offer == .full else { return .unknown }
            session.shed()
            return .full
        }
        // One job for each event loop, however many connections it has.
        for sessions in woken.values {
            sessions[0].eventLoop.execute { for session in sessions { session.drain() } }
        }
        return results
    }

    /// Writes a frame of a queue that a connection follows, from any thread.
    ///
    /// - Returns: ``Outbox/Offer/full`` when it is to be read again once nothing waits for the client.
    func send(_ frame: ByteBuffer, of follower: SubscriptionID, to session: Session) -> Outbox.Offer {
        guard self.take(frame.readableBytes) else {
            session.shed()
            return .over
        }
        let offer = session.offer(frame, of: follower)
        switch offer {
        case .taken(let isFirst): if isFirst { session.eventLoop.execute { session.drain() } }
        case .full, .over: self.bytes.giveBack(frame.readableBytes)
        }
        return offer
    }

    /// nil for what is no JSON.
    static func frame(_ notification: ByteBuffer, _ format: FrameFormat) -> ByteBuffer? {
        guard format == .binary else { return FrameWriter.message(notification, .text) }
        // What is wrong with it is of no use to a client, and nothing that Herald writes.
        let bytes = try? MessagePack.bytes(of: notification.readableBytesUInt8Span)
        return bytes.map { FrameWriter.message($0, .binary) }
    }

    /// Takes bytes of the process; where it has none left, from the connections with the most waiting.
    func take(_ count: Int) -> Bool {
        if self.bytes.take(count) { return true }
        let sessions = self.state.withLockedValue { Array($0.sessions.values) }
        let waiting = sessions.map { (session: $0, bytes: $0.waitingBytes) }.filter { $0.bytes > 0 }
        for (session, _) in waiting.sorted(by: { $0.bytes > $1.bytes }) {
            session.shed()
            if self.bytes.take(count) { return true }
        }
        return false
    }

    /// Ends the connections with the most waiting until all of them together have no more than may be: answers are counted once they
    /// are written.
    func keepBound() { _ = self.take(0) }

    /// Ends connections with the code 1012, so that their clients come back.
    func restart(_ ids: [SessionID]) {
        for session in self.state.withLockedValue({ state in ids.compactMap { state.sessions[$0] } }) {
            session.restart()
        }
    }

    // MARK: - Tasks

    /// Runs until every task of a session has ended, once it is asked to stop: the listeners have ended before.
    package func run() async throws {
        // Cancelled or asked to stop: what has begun ends either way.
        try? await gracefulShutdown()
        await withCheckedContinuation { ended in
            let isOver = self.state.withLockedValue { state in
                state.ended = ended
                return state.tasks == 0
            }
            if isOver { self.resume() }
        }
    }

    /// Counts a task; ``endTask()`` has to follow.
    func beginTask() { self.state.withLockedValue { $0.tasks += 1 } }

    func endTask() {
        let isOver = self.state.withLockedValue { state in
            state.tasks -= 1
            return state.tasks == 0
        }
        if isOver { self.resume() }
    }

    private func resume() {
        let ended = self.state.withLockedValue { state in
            defer { state.ended = nil }
            return state.ended
        }
        ended?.resume()
    }
}
