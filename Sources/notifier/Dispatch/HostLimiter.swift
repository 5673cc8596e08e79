package import Domain
import NIOConcurrencyHelpers

/// Bounds the attempts in flight to each host, so that one that is slow, with many subscriptions, cannot have all slots.
///
/// A host is what a connection is made to: the origin that ``HTTPURL`` gives. Its attempts are shared between projects as
/// ``FairShares`` does it. A subscription that finds no room waits here, in turn with those of other projects, until
/// there is some.
package struct HostRoom: Sendable {
    /// A subscription that waits for a host.
    package struct Waiter: Hashable, Sendable {
        package let subscription: SubscriptionID
        package let project: ProjectID
        /// Numbers the shard, over all pools of the process.
        package let inbox: Int

        package init(subscription: SubscriptionID, project: ProjectID, inbox: Int) {
            self.subscription = subscription
            self.project = project
            self.inbox = inbox
        }
    }

    /// Subscriptions that wait, over all hosts; those beyond are found when their parking ends.
    package static let waitersMax = 16_384
    /// Subscriptions woken for one host at once.
    private static let wakesMax = 128
    /// The most attempts that a woken subscription is taken to begin, until it has: its window at first.
    private static let perWake = 8
    /// How long a woken subscription is waited for: it may have nothing due any more.
    private static let wakeLife = Duration.seconds(2)

    private struct Woken {
        let since: ContinuousClock.Instant
        let expected: Int
    }

    private struct Host {
        var inFlight = 0
        var projects: [ProjectID: Int] = [:]
        /// Those of ``refused`` that may be woken.
        var waiting = FairQueue<ProjectID, Waiter>()
        var waitingNames: Set<SubscriptionID> = []
        /// How many deliveries of each of these found no room.
        var refused: [SubscriptionID: Int] = [:]
        /// Woken, and not seen since.
        var woken: [SubscriptionID: Woken] = [:]
        /// Attempts that the woken are taken to begin.
        var expected = 0

        var isUnused: Bool { self.inFlight == 0 && self.refused.isEmpty && self.woken.isEmpty }
    }

    /// A subscription whose parking is being written down: woken before that, it would be parked all the same.
    private struct Settling {
        let host: String
        let waiter: Waiter
        var deliveries: Int
    }

    /// What a host is judged by.
    private struct Room {
        let limit: Int

        /// Wakes as many as fit, once there is room worth it: an eighth of all.
        ///
        /// One by one, each would lease a whole window for one free place.
        func wake(_ host: inout Host, at now: ContinuousClock.Instant) -> [Waiter] {
            guard !host.waiting.isEmpty else { return [] }
            var room = self.limit - host.inFlight - host.expected
            guard room >= max(1, self.limit / 8) else { return [] }
            var woken: [Waiter] = []
            while room > 0, woken.count < HostRoom.wakesMax, let waiter = host.waiting.popFirst() {
                host.waitingNames.remove(waiter.subscription)
                let expected = min(host.refused.removeValue(forKey: waiter.subscription) ?? 1, HostRoom.perWake)
                host.woken[waiter.subscription] = Woken(since: now, expected: expected)
                host.expected += expected
                room -= expected
                woken.append(waiter)
            }
            return woken
        }
    }

    private let limit: Int
    private var hosts: [String: Host] = [:]
    private var settling: [SubscriptionID: Settling] = [:]
    package private(set) var waiters = 0

    /// - Parameter limit: Attempts in flight to one host, at least 1.
    package init(limit: Int) {
        self.limit = max(1, limit)
    }

    package func inFlight(to host: String) -> Int { self.hosts[host]?.inFlight ?? 0 }

    /// Counts an attempt, unless the host or the project's share of it is full, or the subscription waits already: what
    /// came later must not start before what waits.
    ///
    /// - Returns: Whether it is counted, and the waiters to wake.
    package mutating func enter(
        _ name: String, _ waiter: Waiter, at now: ContinuousClock.Instant
    ) -> (isCounted: Bool, woken: [Waiter]) {
        // In its place: a copy of a host would copy its tables with every attempt.
        let (isCounted, woken) = self.change(name) { host, room in
            if !host.woken.isEmpty, let woken = host.woken.removeValue(forKey: waiter.subscription) {
                host.expected -= woken.expected
            }
            let held = host.projects[waiter.project] ?? 0
            let free = room.limit - host.inFlight
            let isWaiting = !host.refused.isEmpty && host.refused[waiter.subscription] != nil
            guard !isWaiting, held < FairShares.weight * free else { return (false, [Waiter]()) }
            host.inFlight += 1
            host.projects[waiter.project] = held + 1
            return (true, host.woken.isEmpty ? room.wake(&host, at: now) : [])
        }
        self.waiters -= woken.count
        return (isCounted, woken)
    }

    /// Changes a host without copying it, and forgets it when it is unused then.
    private mutating func change<Result>(_ name: String, _ body: (inout Host, Room) -> Result) -> Result {
        let room = Room(limit: self.limit)
        guard let index = self.hosts.index(forKey: name) else {
            var host = Host()
            let result = body(&host, room)
            if !host.isUnused { self.hosts[name] = host }
            return result
        }
        let result = body(&self.hosts.values[index], room)
        if self.hosts.values[index].isUnused { self.hosts.remove(at: index) }
        return result
    }

    /// Has a subscription wait for room, with one delivery that found none; ``parked(_:at:)`` has to follow.
    ///
    /// - Returns: false when too many wait already.
    package mutating func wait(for name: String, _ waiter: Waiter) -> Bool {
        let subscription = waiter.subscription
        let refused = self.hosts[name]?.refused[subscription]
        if refused == nil {
            guard self.waiters < Self.waitersMax else { return false }
            self.waiters += 1
        }
        self.hosts[name, default: Host()].refused[subscription] = (refused ?? 0) + 1
        self.settling[subscription, default: Settling(host: name, waiter: waiter, deliveries: 0)].deliveries += 1
        return true
    }

    /// A delivery of a subscription was parked in Redis, or given up: from the last of them on it may be woken.
    ///
    /// - Returns: The waiters to wake.
    package mutating func parked(_ subscription: SubscriptionID, at now: ContinuousClock.Instant) -> [Waiter] {
        guard var settling = self.settling.removeValue(forKey: subscription) else { return [] }
        settling.deliveries -= 1
        guard settling.deliveries == 0 else {
            self.settling[subscription] = settling
            return []
        }
        var found = 0
        let woken = self.change(settling.host) { host, room in
            if host.refused[subscription] == nil {
                // It was woken meanwhile, in vain.
                host.refused[subscription] = 1
                found = 1
            }
            if host.waitingNames.insert(subscription).inserted {
                host.waiting.append(settling.waiter, of: settling.waiter.project)
            }
            return room.wake(&host, at: now)
        }
        self.waiters += found - woken.count
        return woken
    }

    /// Ends an attempt.
    ///
    /// - Returns: The waiters to wake.
    package mutating func leave(
        _ name: String, of project: ProjectID, at now: ContinuousClock.Instant
    ) -> [Waiter] {
        let woken = self.change(name) { host, room in
            guard let held = host.projects[project] else { return [Waiter]() }
            host.inFlight -= 1
            host.projects[project] = held > 1 ? held - 1 : nil
            return room.wake(&host, at: now)
        }
        self.waiters -= woken.count
        return woken
    }

    /// Gives up on woken subscriptions that did not come.
    ///
    /// - Returns: The waiters to wake instead.
    package mutating func expireWakes(at now: ContinuousClock.Instant) -> [Waiter] {
        var woken: [Waiter] = []
        for (name, host) in self.hosts where !host.woken.isEmpty || !host.waiting.isEmpty {
            var host = host
            host.woken = host.woken.filter { now - $0.value.since < Self.wakeLife }
            host.expected = host.woken.values.reduce(0) { $0 + $1.expected }
            woken += Room(limit: self.limit).wake(&host, at: now)
            self.hosts[name] = host.isUnused ? nil : host
        }
        self.waiters -= woken.count
        return woken
    }
}

/// The attempts in flight to each host, over all engines of the process.
package final class HostLimiter: Sendable {
    private struct State {
        var room: HostRoom
        var inboxes: [Int: ShardInbox] = [:]
        var inboxesEver = 0
    }

    private let state: NIOLockedValueBox<State>

    package init(limit: Int) {
        self.state = NIOLockedValueBox(State(room: HostRoom(limit: limit)))
    }

    /// Makes a shard known.
    ///
    /// - Returns: Its number among those of the process, for ``HostRoom/Waiter/inbox``.
    func register(_ inbox: ShardInbox) -> Int {
        self.state.withLockedValue { state in
            state.inboxesEver += 1
            state.inboxes[state.inboxesEver] = inbox
            return state.inboxesEver
        }
    }

    func unregister(_ number: Int) {
        self.state.withLockedValue { _ = $0.inboxes.removeValue(forKey: number) }
    }

    /// Subscriptions that wait for a host.
    var waiters: Int { self.state.withLockedValue { $0.room.waiters } }

    /// Attempts in flight to a host.
    package func inFlight(to host: String) -> Int { self.state.withLockedValue { $0.room.inFlight(to: host) } }

    /// Counts an attempt, if there is room for it.
    func enter(_ host: String, _ waiter: HostRoom.Waiter) -> Bool {
        let (isCounted, wakes) = self.state.withLockedValue { state in
            let (isCounted, woken) = state.room.enter(host, waiter, at: .now)
            return (isCounted, Self.wakes(woken, state))
        }
        Self.carryOut(wakes)
        return isCounted
    }

    /// Has a subscription wait; false when too many do.
    func wait(for host: String, _ waiter: HostRoom.Waiter) -> Bool {
        self.state.withLockedValue { $0.room.wait(for: host, waiter) }
    }

    /// A delivery of a subscription was parked in Redis, or given up.
    func parked(_ subscription: SubscriptionID) {
        Self.carryOut(self.state.withLockedValue { Self.wakes($0.room.parked(subscription, at: .now), $0) })
    }

    func leave(_ host: String, of project: ProjectID) {
        Self.carryOut(
            self.state.withLockedValue { Self.wakes($0.room.leave(host, of: project, at: .now), $0) })
    }

    /// Gives up on woken subscriptions that did not come; called once a second.
    func expireWakes() {
        Self.carryOut(self.state.withLockedValue { Self.wakes($0.room.expireWakes(at: .now), $0) })
    }

    private typealias Wake = (inbox: ShardInbox, subscription: SubscriptionID)

    private static func wakes(_ waiters: [HostRoom.Waiter], _ state: State) -> [Wake] {
        waiters.isEmpty
            ? []
            : waiters.compactMap { waiter in
                state.inboxes[waiter.inbox].map { ($0, waiter.subscription) }
            }
    }

    private static func carryOut(_ wakes: [Wake]) {
        for (inbox, subscription) in wakes { inbox.wake(subscription) }
    }
}
