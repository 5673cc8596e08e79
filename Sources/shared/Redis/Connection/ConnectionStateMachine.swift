package import NIOCore

/// Decides when a connection connects, how long it pauses between attempts, and whether commands may wait for it.
///
/// It performs nothing: the connection acts, then reports back.
///
/// ```
///           begin              handshakeCompleted
///    idle ────────► connecting ────────────────────► ready
///                     ▲    │ failed                    │ failed
///            pauseOver│    ▼                           │
///                     └─ pausing ◄─────────────────────┘            any ── end ──► ended
/// ```
package struct ConnectionStateMachine: Sendable, Equatable {
    package enum State: Sendable, Equatable {
        case idle
        case connecting
        case ready(since: NIODeadline)
        case pausing
        case ended
    }

    /// A connection that lasted this long resets the backoff.
    ///
    /// Without it, a Redis that accepts connections and drops them would be called as fast as the loop turns.
    package static let lastingMin = TimeAmount.seconds(1)

    package private(set) var state = State.idle
    private var backoff = Backoff()
    private var downSince: NIODeadline?
    private let waitMax: TimeAmount?

    /// - Parameter waitMax: How long after a loss commands may wait for the next connection; nil: as long as their own
    ///   deadlines allow.
    package init(waitMax: TimeAmount?) {
        self.waitMax = waitMax
    }

    package var isReady: Bool {
        if case .ready = self.state { true } else { false }
    }

    /// - Returns: Whether to connect now.
    package mutating func begin(at now: NIODeadline) -> Bool {
        guard self.state == .idle else { return false }
        self.state = .connecting
        self.downSince = now
        return true
    }

    /// Every step of the handshake succeeded.
    package mutating func handshakeCompleted(at now: NIODeadline) {
        precondition(self.state == .connecting, "a handshake completed while \(self.state)")
        self.state = .ready(since: now)
        self.downSince = nil
    }

    /// The connection, or an attempt at one, failed.
    ///
    /// - Parameter random: 0 to 1.
    /// - Returns: How long to pause before the next attempt; nil when there is none.
    package mutating func failed(at now: NIODeadline, random: Double) -> TimeAmount? {
        switch self.state {
        case .ended:
            return nil
        case .idle, .pausing:
            preconditionFailure("a connection failed while \(self.state)")
        case .connecting:
            break
        case .ready(let since):
            if now - since >= Self.lastingMin { self.backoff.reset() }
            self.downSince = now
        }
        self.state = .pausing
        return TimeAmount(self.backoff.next(random: random))
    }

    /// - Returns: Whether to connect now.
    package mutating func pauseOver() -> Bool {
        guard self.state == .pausing else { return false }
        self.state = .connecting
        return true
    }

    /// - Returns: Whether it had not ended before.
    package mutating func end() -> Bool {
        guard self.state != .ended else { return false }
        self.state = .ended
        return true
    }

    /// Whether commands may wait for the next connection.
    package func acceptsWaiting(at now: NIODeadline) -> Bool {
        switch self.state {
        case .ended: return false
        case .idle, .ready: return true
        case .connecting, .pausing:
            guard let waitMax = self.waitMax, let downSince = self.downSince else { return true }
            return now - downSince <= waitMax
        }
    }
}
