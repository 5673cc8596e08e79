package import NIOCore

/// What a connection does next.
///
/// It performs nothing: the connection acts, then reports back.
///
/// ```
///           begin              greeted
///    idle ────────► connecting ────────► ready
///                     ▲    │ broke         │ broke
///            pauseOver│    ▼               │
///                     └─ pausing ◄─────────┘            any ── end ──► ended
/// ```
package struct ConnectionLife: Sendable, Equatable {
    package enum Phase: Sendable, Equatable {
        case idle
        case connecting
        case ready(since: NIODeadline)
        case pausing
        case ended
    }

    /// A connection that lasted this long was a good one, and the pauses begin small again.
    ///
    /// Without it, a Redis that takes connections and drops them would be called as fast as the loop turns.
    package static let lastingMin = TimeAmount.seconds(1)

    package private(set) var phase = Phase.idle
    private var backoff = Backoff()
    private var downSince: NIODeadline?
    /// nil: as long as its deadline allows.
    private let patience: TimeAmount?

    package init(patience: TimeAmount?) {
        self.patience = patience
    }

    package var isReady: Bool {
        if case .ready = self.phase { true } else { false }
    }

    /// - Returns: Whether to connect now.
    package mutating func begin(at now: NIODeadline) -> Bool {
        guard self.phase == .idle else { return false }
        self.phase = .connecting
        self.downSince = now
        return true
    }

    /// The greeting was answered well.
    package mutating func greeted(at now: NIODeadline) {
        precondition(self.phase == .connecting, "greeted while \(self.phase)")
        self.phase = .ready(since: now)
        self.downSince = nil
    }

    /// The connection, or an attempt at one, failed.
    ///
    /// - Parameter random: 0 to 1.
    /// - Returns: How long to pause before the next attempt; nil when there is none.
    package mutating func broke(at now: NIODeadline, random: Double) -> TimeAmount? {
        switch self.phase {
        case .ended:
            return nil
        case .idle, .pausing:
            preconditionFailure("a connection broke while \(self.phase)")
        case .connecting:
            break
        case .ready(let since):
            if now - since >= Self.lastingMin { self.backoff.reset() }
            self.downSince = now
        }
        self.phase = .pausing
        return self.backoff.next(random: random)
    }

    /// - Returns: Whether to connect now.
    package mutating func pauseOver() -> Bool {
        guard self.phase == .pausing else { return false }
        self.phase = .connecting
        return true
    }

    /// - Returns: Whether it had not ended before.
    package mutating func end() -> Bool {
        guard self.phase != .ended else { return false }
        self.phase = .ended
        return true
    }

    /// Whether commands may wait for the next connection.
    package func isWorthWaiting(at now: NIODeadline) -> Bool {
        switch self.phase {
        case .ended: return false
        case .idle, .ready: return true
        case .connecting, .pausing:
            guard let patience = self.patience, let downSince = self.downSince else { return true }
            return now - downSince <= patience
        }
    }
}
