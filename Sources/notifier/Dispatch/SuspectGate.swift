import NIOConcurrencyHelpers

/// Decides when deliveries that may take the process down are attempted; it performs nothing.
///
/// A *suspect* is a delivery whose leases lapsed in a row, see docs/delivery.md. From level 2 on few are in flight at once; at
/// level 3 one is attempted alone:
///
/// ```
///            requestSolo                last attempt ended           soloEnded
///    open ────────────────► draining ─────────────────────► solo ───────────────► open
///     │ ▲ (nothing in flight: at once)  │                    ▲
///     │ └───────────────────────────────┘ expireDrain        │
///     └──────────────────────────────────────────────────────┘
/// ```
/// Nothing else starts while it is not open. So it stays open ``openParts`` times as long as it was closed before another
/// suspect may close it, and a drain is given up that takes long, because something else is slow; the next may take longer.
package struct SuspectRules: Sendable {
    /// Suspects of level 2 in flight at once in a process.
    package static let suspectsMax = 32
    /// From this level on few are in flight at once.
    package static let fewLevel = 2
    /// From this level on a suspect is attempted alone.
    package static let soloLevel = 3
    /// How much longer than it was closed the gate stays open.
    package static let openParts = 10
    /// How long a drain may take: at first, and after others that were given up.
    package static let drainFirst = Duration.seconds(5)
    package static let drainLongest = Duration.seconds(60)

    package enum Solo: Sendable, Equatable {
        /// It starts now.
        case granted
        /// It starts when what is in flight has ended.
        case waiting
        /// Not for so long; zero: until another has been attempted alone.
        case refused(Duration)
    }

    private enum Phase {
        case open, draining, solo
    }

    private var phase = Phase.open
    package private(set) var inFlight = 0
    private var suspects = 0
    private var closedAt = ContinuousClock.now
    private var openUntil: ContinuousClock.Instant?
    private var drain = Self.drainFirst

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

    /// - Parameter count: Less than nothing when more start than were admitted: deliveries that were to go out together do not always.
    /// - Returns: Whether what waits to be attempted alone starts now.
    package mutating func ended(_ count: Int) -> Bool {
        self.inFlight = max(0, self.inFlight - count)
        guard self.inFlight == 0, self.phase == .draining else { return false }
        self.phase = .solo
        return true
    }

    package mutating func requestSolo(at now: ContinuousClock.Instant) -> Solo {
        guard self.phase == .open else { return .refused(.zero) }
        if let openUntil, now < openUntil { return .refused(openUntil - now) }
        self.closedAt = now
        self.phase = self.inFlight == 0 ? .solo : .draining
        return self.phase == .solo ? .granted : .waiting
    }

    /// Whether a suspect may start alone now.
    package var isSolo: Bool { self.phase == .solo }

    /// What was attempted alone has ended, or is not attempted after all.
    package mutating func soloEnded(at now: ContinuousClock.Instant) {
        self.drain = Self.drainFirst
        self.open(at: now)
    }

    /// Gives up on a drain that takes too long.
    ///
    /// - Returns: Whether it did; the suspect is not attempted now.
    package mutating func expireDrain(at now: ContinuousClock.Instant) -> Bool {
        guard self.phase == .draining, now - self.closedAt >= self.drain else { return false }
        self.drain = min(self.drain * 2, Self.drainLongest)
        self.open(at: now)
        return true
    }

    private mutating func open(at now: ContinuousClock.Instant) {
        guard self.phase != .open else { return }
        self.phase = .open
        self.openUntil = now + (now - self.closedAt) * Self.openParts
    }
}

/// The gate through which all engines of the process start attempts.
package final class SuspectGate: Sendable {
    private struct State {
        var rules = SuspectRules()
        /// The shard whose suspect waits to be attempted alone.
        var owner: ShardInbox?
        /// Shards that wanted to lease, or to start what they leased, while the gate was closed.
        var waiting: [ObjectIdentifier: ShardInbox] = [:]

        /// - Returns: The shards that waited.
        mutating func opened() -> [ShardInbox] {
            self.owner = nil
            defer { self.waiting = [:] }
            return Array(self.waiting.values)
        }
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

    /// Counts attempts that a shard is about to start; when it may not, it is asked to start when it may.
    func admit(_ count: Int, for inbox: ShardInbox) -> Bool {
        self.state.withLockedValue { state in
            guard !state.rules.admit(count) else { return true }
            state.waiting[ObjectIdentifier(inbox)] = inbox
            return false
        }
    }

    func admitSuspect() -> Bool { self.state.withLockedValue { $0.rules.admitSuspect() } }
    func suspectEnded() { self.state.withLockedValue { $0.rules.suspectEnded() } }

    func ended(_ count: Int) {
        guard count != 0 else { return }
        self.state.withLockedValue { $0.rules.ended(count) ? $0.owner : nil }?.request(.solo)
    }

    /// Asks to attempt a suspect alone; the shard is asked to start it when its time has come, or is given up.
    func requestSolo(for inbox: ShardInbox) -> SuspectRules.Solo {
        let solo = self.state.withLockedValue { state in
            let solo = state.rules.requestSolo(at: .now)
            if case .refused = solo { return solo }
            state.owner = inbox
            return solo
        }
        if solo == .granted { inbox.request(.solo) }
        return solo
    }

    /// Whether the suspect of a shard may start now: it is given up when others do not end.
    func mayStartAlone(_ inbox: ShardInbox) -> Bool {
        self.state.withLockedValue { $0.rules.isSolo && $0.owner === inbox }
    }

    /// Lets the others start again, after the suspect of a shard.
    func soloEnded(by inbox: ShardInbox) {
        let waiting = self.state.withLockedValue { state in
            guard state.owner === inbox else { return [ShardInbox]() }
            state.rules.soloEnded(at: .now)
            return state.opened()
        }
        Self.goOn(waiting)
    }

    /// Gives up on a drain that takes too long; called about once a second.
    func expireDrain() {
        let (owner, waiting) = self.state.withLockedValue { state -> (ShardInbox?, [ShardInbox]) in
            guard state.rules.expireDrain(at: .now) else { return (nil, []) }
            return (state.owner, state.opened())
        }
        owner?.request(.solo)
        Self.goOn(waiting)
    }

    private static func goOn(_ inboxes: [ShardInbox]) {
        for inbox in inboxes {
            inbox.request(.start)
            inbox.request(.lease)
        }
    }
}
