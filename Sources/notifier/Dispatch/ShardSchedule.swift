package import Domain
import HTTPClient
import Redis
package import Store

/// Decides what the worker of one shard does next; it performs nothing.
///
/// ```
///  wake-up signal, look, freed slots, due time, host with capacity ──► request ─┐
///                                                                          ▼
///  took, leased, settled ─────────────────────────────────────────► pending work ──► next() ──► perform(one step)
/// ```
/// Each kind of pending work gets one bounded step in turn, so that none waits for another to be finished. Either the worker or a
/// settlement leases at a time: deliveries of a shard start in the order in which they were handed out. Within that order
/// projects take turns.
package struct ShardSchedule: Sendable {
    /// What may be pending, in the order of the turns.
    package enum Work: Int, Sendable, CaseIterable {
        /// Leases that came are to be attempted.
        case start
        /// A suspect is to be attempted alone, now.
        case solo
        /// Leases of a notifier that is gone have ended.
        case reap
        /// Events wait to be fanned out.
        case take
        /// Hosts have capacity for subscriptions that were parked.
        case wake
        /// Deliveries wait that may be due.
        case lease
        /// Something has expired.
        case sweep
    }

    package enum Action: Sendable, Equatable {
        case perform(Work)
        case wait
        case finish
    }

    /// A due time further away than this, ms, is left to a later look.
    package static let horizon: Int64 = 5_000
    /// Milliseconds until something that could not be leased although it was due is asked for again: at first, and when
    /// nothing came of it several times.
    package static let recheckFirst: Int64 = 20
    package static let recheckLongest: Int64 = 100
    /// Leases started in one step, and bytes of their messages: what is encoded and signed for one project does not delay
    /// the others for longer.
    package static let startsMax = 256
    package static let startBytesMax = 1 << 20
    /// Bytes of messages that wait to be started, beyond which nothing is leased.
    package static let waitingBytesMax = 4 << 20
    /// Subscriptions woken in one step.
    package static let wakesMax = 64

    private enum Leaser {
        case none, worker, settler
    }

    /// Kinds of work, a bit each.
    private struct Works {
        var bits: UInt8 = 0

        func contains(_ work: Work) -> Bool { self.bits & Self.bit(work) != 0 }
        mutating func remove(_ work: Work) { self.bits &= ~Self.bit(work) }

        /// - Returns: Whether it was not there.
        mutating func insert(_ work: Work) -> Bool {
            defer { self.bits |= Self.bit(work) }
            return !self.contains(work)
        }

        private static func bit(_ work: Work) -> UInt8 { 1 << UInt8(truncatingIfNeeded: work.rawValue) }
    }

    private static let kinds = Work.allCases.count

    private var pending = Works()
    /// Kinds whose last step failed, until their pause is over.
    private var paused = Works()
    private var backoffs = Array(repeating: Backoff.ofStore, count: Self.kinds)
    private var last = Work.sweep
    private var leaser = Leaser.none
    private var starts = FairQueue<ProjectID, LeasedDelivery>()
    private var startBytes = 0
    private var soloSuspect: LeasedDelivery?
    private var wakes: [SubscriptionID] = []
    private var recheck = Self.recheckFirst
    private var timerAt: Timestamp?
    /// Whether events of paced projects stayed when some were taken last.
    private var hasPacedEvents = false
    package private(set) var isStopping = false

    package init() {}

    // MARK: Requests

    /// - Returns: Whether the worker has to be signalled.
    package mutating func request(_ work: Work) -> Bool {
        guard !self.isStopping else { return false }
        return self.pending.insert(work) && !self.paused.contains(work)
    }

    /// Whether something is to be done.
    package var hasWork: Bool { self.pending.bits & ~self.paused.bits != 0 }

    /// A project that was paced may begin more: deliveries that wait, and events that stayed.
    ///
    /// - Returns: Whether the worker has to be signalled.
    package mutating func mayBeginMore() -> Bool {
        let isNew = self.hasPacedEvents && self.request(.take)
        return self.request(.lease) || isNew
    }

    /// Attempts ended, which lets a paced project begin more: events that stayed are taken, and what waits is leased with the
    /// settlement.
    ///
    /// - Returns: Whether the worker has to be signalled.
    package mutating func attemptsEnded() -> Bool {
        self.hasPacedEvents && self.request(.take)
    }

    /// Requests what a look over the shard found.
    package mutating func noticed(_ look: ShardStatus) -> Bool {
        var isNew = false
        if look.events > 0 { isNew = self.request(.take) }
        if let oldest = look.oldestLease, oldest <= look.now { isNew = self.request(.reap) || isNew }
        if let next = look.nextSweep, next <= look.now { isNew = self.request(.sweep) || isNew }
        return isNew
    }

    /// A host has capacity for a subscription that was parked.
    package mutating func hostHasCapacity(for subscription: SubscriptionID) -> Bool {
        guard !self.isStopping else { return false }
        self.wakes.append(subscription)
        return self.request(.wake)
    }

    /// Something is due at a time by Redis' clock.
    ///
    /// - Returns: In how many milliseconds the timer has to fire, instead of when it was to; nil: it stays as it is. 0: the worker
    ///   has to be signalled.
    package mutating func lookAgain(at due: Timestamp, now: Timestamp) -> Int64? {
        guard !self.isStopping else { return nil }
        let (wait, overflow) = due.milliseconds.subtractingReportingOverflow(now.milliseconds)
        guard !overflow, wait > 0 else { return self.request(.lease) ? 0 : nil }
        guard wait <= Self.horizon else { return nil }
        if let timerAt = self.timerAt, timerAt <= due { return nil }
        self.timerAt = due
        return wait
    }

    package mutating func timerFired() -> Bool {
        self.timerAt = nil
        return self.request(.lease)
    }

    /// Takes no more work; ``next()`` says to finish.
    ///
    /// What was to be started is handed back by ``handBack()``.
    package mutating func stop() {
        self.isStopping = true
        self.pending = Works()
        self.wakes = []
        self.timerAt = nil
    }

    // MARK: The worker

    /// What the worker does next.
    ///
    /// A step that leases has to be followed by ``took(more:isPaced:_:isBounded:)``, ``leased(more:_:nextDue:now:)`` or
    /// ``failed(_:chance:)``.
    package mutating func next() -> Action {
        guard !self.isStopping else { return .finish }
        guard self.hasWork else { return .wait }
        for offset in 1...Self.kinds {
            guard let work = Work(rawValue: (self.last.rawValue + offset) % Self.kinds), self.pending.contains(work),
                !self.paused.contains(work), self.isPermitted(work)
            else { continue }
            self.pending.remove(work)
            self.last = work
            if work == .take || work == .lease { self.leaser = .worker }
            return .perform(work)
        }
        return .wait
    }

    private func isPermitted(_ work: Work) -> Bool {
        switch work {
        case .take: self.leaser == .none
        case .lease: self.leaser == .none && self.hasCapacityToStart
        case .start, .solo, .reap, .wake, .sweep: true
        }
    }

    /// Whether what is leased can be started soon; a `take` without it leases nothing.
    package var hasCapacityToStart: Bool { self.startBytes < Self.waitingBytesMax }

    /// The call of a step failed; it is to be repeated.
    ///
    /// Other kinds of work go on meanwhile.
    ///
    /// - Parameter chance: As in `random` of `Backoff.next(random:)`.
    /// - Returns: How long until ``retry(_:)`` has to follow.
    package mutating func failed(_ work: Work, chance: Double) -> Duration {
        if work == .take || work == .lease { self.leaser = .none }
        return self.pause(work, chance: chance)
    }

    /// What a step has to be followed by failed, although its own call did not: it is repeated likewise.
    package mutating func pause(_ work: Work, chance: Double) -> Duration {
        _ = self.paused.insert(work)
        _ = self.request(work)
        return self.backoffs[work.rawValue].next(random: chance)
    }

    /// The pause after a failure is over.
    ///
    /// - Returns: Whether the worker has to be signalled.
    package mutating func retry(_ work: Work) -> Bool {
        self.paused.remove(work)
        return !self.isStopping && self.pending.contains(work)
    }

    package mutating func succeeded(_ work: Work) {
        self.backoffs[work.rawValue].reset()
    }

    /// - Parameters:
    ///   - isPaced: Whether events of paced projects stayed.
    ///   - isBounded: Whether the call could lease less than there was.
    package mutating func took(more: Bool, isPaced: Bool, _ started: [LeasedDelivery], isBounded: Bool) {
        self.leaser = .none
        self.hasPacedEvents = isPaced
        self.enqueue(started)
        if more { _ = self.request(.take) }
        // The signal is also given for what waits without an event: a confirmation.
        if more || isBounded || started.isEmpty { _ = self.request(.lease) }
    }

    /// The worker, or a settlement, has leased.
    ///
    /// Of what is due although nothing came, the window has no capacity: it is asked for again soon, but not at once. What was left
    /// behind because its project has no share left is asked for at a look, or when there is less in flight, see
    /// ``FairShares/next()``.
    ///
    /// - Parameters:
    ///   - more: Whether something else is due.
    ///   - nextDue: When something may be leased next; nil: nothing waits, or nothing could be asked for.
    /// - Returns: As ``lookAgain(at:now:)``.
    package mutating func leased(
        more: Bool, _ started: [LeasedDelivery], nextDue: Timestamp?, now: Timestamp
    ) -> Int64? {
        self.leaser = .none
        self.enqueue(started)
        guard started.isEmpty || !more else {
            self.recheck = Self.recheckFirst
            return self.request(.lease) ? 0 : nil
        }
        guard let nextDue else { return nil }
        let soonest = Timestamp(milliseconds: now.milliseconds &+ self.recheck)
        if nextDue < soonest, started.isEmpty {
            self.recheck = min(2 * self.recheck, Self.recheckLongest)
        } else {
            self.recheck = Self.recheckFirst
        }
        return self.lookAgain(at: max(nextDue, soonest), now: now)
    }

    private mutating func enqueue(_ started: [LeasedDelivery]) {
        guard !started.isEmpty else { return }
        for startable in started {
            self.starts.append(startable, of: startable.lease.queue.project)
            self.startBytes += startable.byteCount
        }
        // Also while stopping: what came too late is handed back.
        _ = self.pending.insert(.start)
    }

    /// The leases to start in one step, of each project in turn.
    package mutating func nextStarts() -> [LeasedDelivery] {
        var (slice, bytes) = ([LeasedDelivery](), 0)
        while slice.count < Self.startsMax, bytes < Self.startBytesMax, let next = self.starts.popFirst() {
            slice.append(next)
            bytes += next.byteCount
        }
        self.startBytes -= bytes
        if !self.starts.isEmpty { _ = self.request(.start) }
        return slice
    }

    /// The subscriptions to wake in one step.
    package mutating func nextWakes() -> [SubscriptionID] {
        let slice = Array(self.wakes.prefix(Self.wakesMax))
        self.wakes.removeFirst(slice.count)
        if !self.wakes.isEmpty { _ = self.request(.wake) }
        return slice
    }

    /// The subscriptions of a step could not be woken: they are once it is repeated.
    package mutating func wakesFailed(_ subscriptions: [SubscriptionID]) {
        guard !self.isStopping else { return }
        self.wakes.insert(contentsOf: subscriptions, at: 0)
    }

    /// Keeps the suspect that is to be attempted alone; there is one at most.
    package mutating func keepSolo(_ suspect: LeasedDelivery) {
        self.soloSuspect = suspect
    }

    /// Whether a suspect waits to be attempted alone.
    package var hasSolo: Bool { self.soloSuspect != nil }

    package mutating func takeSolo() -> LeasedDelivery? {
        defer { self.soloSuspect = nil }
        return self.soloSuspect
    }

    // MARK: Leasing with a settlement

    /// Whether the worker, or a settlement, is leasing.
    package var isLeasing: Bool { self.leaser != .none }

    /// Lets a settlement lease; ``leased(more:_:nextDue:now:)`` has to follow when it may.
    package mutating func settlerMayLease() -> Bool {
        guard !self.isStopping, self.leaser == .none, self.hasCapacityToStart else { return false }
        self.leaser = .settler
        return true
    }

    /// What is not started any more once the schedule stops.
    package mutating func handBack() -> [LeasedDelivery] {
        var all: [LeasedDelivery] = []
        while let next = self.starts.popFirst() { all.append(next) }
        self.startBytes = 0
        return all
    }
}
