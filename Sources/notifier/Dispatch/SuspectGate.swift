import NIOConcurrencyHelpers

/// Decides when deliveries that may take the process down are attempted; it performs nothing.
///
/// A *suspect* is a delivery whose leases lapsed in a row, see docs/delivery.md. From level 2 on few are in flight at once; at
/// level 3 one is attempted alone:
///
/// ```
///            requestSolo                last attempt ended           soloEnded
///    open ────────────────► draining ─────────────────────► solo ───────────────► open
///     │   (nothing in flight: at once)                       ▲
///     └──────────────────────────────────────────────────────┘
/// ```
package struct SuspectRules: Sendable {
    /// Suspects of level 2 in flight at once in a process.
    package static let suspectsMax = 32
    /// From this level on few are in flight at once.
    package static let fewLevel = 2
    /// From this level on a suspect is attempted alone.
    package static let soloLevel = 3

    package enum Solo: Sendable, Equatable {
        /// It starts now.
        case granted
        /// It starts when what is in flight has ended.
        case waiting
        /// Another is to be attempted alone.
        case refused
    }

    private enum Phase {
        case open, draining, solo
    }

    private var phase = Phase.open
    package private(set) var inFlight = 0
    private var suspects = 0

    package init() {}

    /// Whether nothing but what is to be attempted alone may start.
    package var isClosed: Bool { self.phase != .open }

    /// Counts attempts that start; false when none may.
    package mutating func admit(_ count: Int) -> Bool {
        guard self.phase == .open else { return false }
        self.inFlight += count
        return true
    }

    /// Counts a suspect of level 2 among those admitted; false when there are as many as may be.
    package mutating func admitSuspect() -> Bool {
        guard self.suspects < Self.suspectsMax else { return false }
        self.suspects += 1
        return true
    }

    package mutating func suspectEnded() {
        self.suspects = max(0, self.suspects - 1)
    }

    /// - Returns: Whether what waits to be attempted alone starts now.
    package mutating func ended(_ count: Int) -> Bool {
        self.inFlight = max(0, self.inFlight - count)
        guard self.inFlight == 0, self.phase == .draining else { return false }
        self.phase = .solo
        return true
    }

    package mutating func requestSolo() -> Solo {
        guard self.phase == .open else { return .refused }
        self.phase = self.inFlight == 0 ? .solo : .draining
        return self.phase == .solo ? .granted : .waiting
    }

    /// What was attempted alone has ended, or is not attempted after all.
    package mutating func soloEnded() {
        self.phase = .open
    }
}

/// The gate through which all engines of the process start attempts.
package final class SuspectGate: Sendable {
    private struct State {
        var rules = SuspectRules()
        /// The shard whose suspect waits to be attempted alone.
        var owner: ShardInbox?
        /// Shards that wanted to lease while the gate was closed.
        var waiting: [ObjectIdentifier: ShardInbox] = [:]
    }

    private let state = NIOLockedValueBox(State())

    package init() {}

    /// Attempts in flight in the process.
    package var inFlight: Int { self.state.withLockedValue { $0.rules.inFlight } }

    /// Whether leases may be asked for; when not, the shard is asked to lease when they may.
    func mayLease(_ inbox: ShardInbox) -> Bool {
        self.state.withLockedValue { state in
            if state.rules.isClosed { state.waiting[ObjectIdentifier(inbox)] = inbox }
            return !state.rules.isClosed
        }
    }

    func admit(_ count: Int) -> Bool { self.state.withLockedValue { $0.rules.admit(count) } }
    func admitSuspect() -> Bool { self.state.withLockedValue { $0.rules.admitSuspect() } }
    func suspectEnded() { self.state.withLockedValue { $0.rules.suspectEnded() } }

    func ended(_ count: Int) {
        guard count > 0 else { return }
        self.state.withLockedValue { $0.rules.ended(count) ? $0.owner : nil }?.request(.solo)
    }

    /// Asks to attempt a suspect alone; the shard is asked to start it when its time has come.
    ///
    /// - Returns: false when another is to be attempted alone.
    func requestSolo(for inbox: ShardInbox) -> Bool {
        let solo = self.state.withLockedValue { state in
            let solo = state.rules.requestSolo()
            if solo != .refused { state.owner = inbox }
            return solo
        }
        if solo == .granted { inbox.request(.solo) }
        return solo != .refused
    }

    /// Lets the others start again.
    func soloEnded() {
        let waiting = self.state.withLockedValue { state in
            state.rules.soloEnded()
            state.owner = nil
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for inbox in waiting { inbox.request(.lease) }
    }
}
