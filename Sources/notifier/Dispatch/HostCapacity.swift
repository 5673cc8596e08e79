package import Domain
import HTTPClient

/// Bounds the attempts in flight to each host, so that one that is slow, with many subscriptions, cannot have all slots.
///
/// A host is what connections are made to, see ``ChannelTarget/host``. Its attempts are shared between projects as
/// ``FairShares`` does it, and so is what is remembered here. A subscription that finds no capacity waits here, in turn with
/// those of other projects, until there is some.
package struct HostCapacity: Sendable {
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
    /// The most attempts that a woken subscription is taken to begin, until it has: the widest window.
    private static let perWake = 64
    /// How long a woken subscription is waited for: it may have nothing due any more.
    private static let wakeLife = Duration.seconds(2)
    /// Seconds a subscription is parked the first time.
    ///
    /// It is woken when there is capacity, so this is for a notifier that is gone and wakes it no more, and for others that may have
    /// capacity. Each gets a time of its own, so that they do not come back together.
    private static let parking = 15.0...25.0
    /// Seconds a subscription is parked that came back in vain, or is not remembered.
    private static let longParking = 30.0...60.0

    private struct Woken {
        let since: ContinuousClock.Instant
        let expected: Int
    }

    /// A subscription that found no capacity.
    private struct Refused {
        /// The most of its deliveries that did at once.
        var deliveries = 0
        /// And this time.
        var now = 0
        /// Whether it came back in vain.
        var hasReturned = false
    }

    /// A subscription whose parking is being written down: woken before that, it would be parked all the same.
    private struct Settling {
        let waiter: Waiter
        var deliveries = 0
    }

    private struct Host {
        var inFlight = 0
        var projects: [ProjectID: Int] = [:]
        /// Those of ``refused`` that may be woken.
        var waiting = FairQueue<ProjectID, Waiter>()
        var waitingNames: Set<SubscriptionID> = []
        var refused: [SubscriptionID: Refused] = [:]
        var settling: [SubscriptionID: Settling] = [:]
        /// Woken, and not seen since.
        var woken: [SubscriptionID: Woken] = [:]
        /// Attempts that the woken are taken to begin.
        var expected = 0

        var isUnused: Bool {
            self.inFlight == 0 && self.refused.isEmpty && self.woken.isEmpty && self.settling.isEmpty
        }

        /// Counts an attempt of a project, if it may have one more out of so many.
        mutating func admit(_ project: ProjectID, limit: Int) -> Bool {
            let most = FairShares.weight * (limit - self.inFlight)
            guard most > 0 else { return false }
            if let index = self.projects.index(forKey: project) {
                guard self.projects.values[index] < most else { return false }
                self.projects.values[index] += 1
            } else {
                self.projects[project] = 1
            }
            self.inFlight += 1
            return true
        }

        /// Forgets an attempt of a project; false when there is none.
        mutating func dismiss(_ project: ProjectID) -> Bool {
            guard let index = self.projects.index(forKey: project) else { return false }
            self.inFlight -= 1
            if self.projects.values[index] > 1 {
                self.projects.values[index] -= 1
            } else {
                self.projects.remove(at: index)
            }
            return true
        }

        /// Wakes as many as fit, once there is capacity worth it: an eighth of all.
        ///
        /// One by one, each would lease a whole window for one free place.
        mutating func wake(limit: Int, at now: ContinuousClock.Instant) -> [Waiter] {
            guard !self.waiting.isEmpty else { return [] }
            var capacity = limit - self.inFlight - self.expected
            guard capacity >= max(1, limit / 8) else { return [] }
            var woken: [Waiter] = []
            while capacity > 0, woken.count < HostCapacity.wakesMax, let waiter = self.waiting.popFirst() {
                self.waitingNames.remove(waiter.subscription)
                let refused = self.refused.removeValue(forKey: waiter.subscription)
                let expected = max(1, min(refused?.deliveries ?? 1, HostCapacity.perWake))
                self.woken[waiter.subscription] = Woken(since: now, expected: expected)
                self.expected += expected
                capacity -= expected
                woken.append(waiter)
            }
            return woken
        }
    }

    private let limit: Int
    private var hosts: [String: Host] = [:]
    /// Subscriptions that wait, of each project that has any.
    private var waitersOfProjects: [ProjectID: Int] = [:]
    package private(set) var waiters = 0

    /// - Parameter limit: Attempts in flight to one host, at least 1.
    package init(limit: Int) {
        self.limit = max(1, limit)
    }

    package func inFlight(to host: String) -> Int { self.hosts[host]?.inFlight ?? 0 }

    /// Hosts that anything is kept of.
    package var hostsKnown: Int { self.hosts.count }

    /// Counts an attempt, unless the host or the project's share of it is full, or the subscription waits already: what
    /// came later must not start before what waits.
    ///
    /// - Returns: Whether it is counted, and the waiters to wake.
    package mutating func enter(
        _ name: String, _ waiter: Waiter, at now: ContinuousClock.Instant
    ) -> (isCounted: Bool, woken: [Waiter]) {
        // In its place: a copy of a host would copy its tables with every attempt.
        let (isCounted, woken) = self.change(name) { host, limit in
            if !host.woken.isEmpty, let woken = host.woken.removeValue(forKey: waiter.subscription) {
                host.expected -= woken.expected
            }
            let isWaiting = !host.refused.isEmpty && host.refused[waiter.subscription] != nil
            guard !isWaiting, host.admit(waiter.project, limit: limit) else { return (false, [Waiter]()) }
            return (true, host.woken.isEmpty ? host.wake(limit: limit, at: now) : [])
        }
        self.forget(woken)
        return (isCounted, woken)
    }

    /// Changes a host without copying it, and forgets it when it is unused then.
    private mutating func change<Result>(_ name: String, _ body: (inout Host, Int) -> Result) -> Result {
        guard let index = self.hosts.index(forKey: name) else {
            var host = Host()
            let result = body(&host, self.limit)
            if !host.isUnused { self.hosts[name] = host }
            return result
        }
        let result = body(&self.hosts.values[index], self.limit)
        if self.hosts.values[index].isUnused { self.hosts.remove(at: index) }
        return result
    }

    private mutating func remember(_ project: ProjectID) {
        self.waiters += 1
        self.waitersOfProjects[project, default: 0] += 1
    }

    private mutating func forget(_ woken: [Waiter]) {
        self.waiters -= woken.count
        for waiter in woken {
            guard let index = self.waitersOfProjects.index(forKey: waiter.project) else { continue }
            if self.waitersOfProjects.values[index] > 1 {
                self.waitersOfProjects.values[index] -= 1
            } else {
                self.waitersOfProjects.remove(at: index)
            }
        }
    }

    /// Has a subscription wait for capacity, with one delivery that found none; ``parked(_:for:at:)`` has to follow when it is
    /// remembered.
    ///
    /// One project leaves a part of what may be remembered to the others, see ``FairShares``. What is not remembered is parked
    /// for long.
    ///
    /// - Returns: Whether it is remembered, and for how many seconds it is to be parked.
    package mutating func wait(for name: String, _ waiter: Waiter) -> (isRemembered: Bool, seconds: ClosedRange<Double>)
    {
        let isWaiting = self.hosts[name]?.refused[waiter.subscription] != nil
        if !isWaiting {
            let held = self.waitersOfProjects[waiter.project] ?? 0
            guard held < FairShares.weight * (Self.waitersMax - self.waiters) else { return (false, Self.longParking) }
            self.remember(waiter.project)
        }
        let hasReturned = self.change(name) { host, _ in
            let isFirst = host.settling[waiter.subscription] == nil
            host.settling[waiter.subscription, default: Settling(waiter: waiter)].deliveries += 1
            var refused = host.refused[waiter.subscription] ?? Refused()
            if isFirst, isWaiting {
                refused.hasReturned = true
                refused.now = 0
            }
            refused.now += 1
            refused.deliveries = max(refused.deliveries, refused.now)
            host.refused[waiter.subscription] = refused
            return refused.hasReturned
        }
        return (true, hasReturned ? Self.longParking : Self.parking)
    }

    /// A delivery of a subscription was parked in Redis, or given up: from the last of them on it may be woken.
    ///
    /// - Returns: The waiters to wake.
    package mutating func parked(
        _ subscription: SubscriptionID, for name: String, at now: ContinuousClock.Instant
    ) -> [Waiter] {
        var added: ProjectID?
        let woken = self.change(name) { host, limit in
            guard var settling = host.settling.removeValue(forKey: subscription) else { return [Waiter]() }
            settling.deliveries -= 1
            guard settling.deliveries == 0 else {
                host.settling[subscription] = settling
                return []
            }
            if host.refused[subscription] == nil {
                // It was woken meanwhile, in vain.
                host.refused[subscription] = Refused(deliveries: 1)
                added = settling.waiter.project
            }
            if host.waitingNames.insert(subscription).inserted {
                host.waiting.append(settling.waiter, of: settling.waiter.project)
            }
            return host.wake(limit: limit, at: now)
        }
        if let added { self.remember(added) }
        self.forget(woken)
        return woken
    }

    /// Ends an attempt.
    ///
    /// - Returns: The waiters to wake.
    package mutating func leave(
        _ name: String, of project: ProjectID, at now: ContinuousClock.Instant
    ) -> [Waiter] {
        let woken = self.change(name) { host, limit in
            host.dismiss(project) ? host.wake(limit: limit, at: now) : []
        }
        self.forget(woken)
        return woken
    }

    /// Gives up on woken subscriptions that did not come.
    ///
    /// - Returns: The waiters to wake instead.
    package mutating func expireWakes(at now: ContinuousClock.Instant) -> [Waiter] {
        var woken: [Waiter] = []
        var unused: [String] = []
        var index = self.hosts.startIndex
        while index < self.hosts.endIndex {
            if !self.hosts.values[index].woken.isEmpty {
                let late = self.hosts.values[index].woken.filter { now - $0.value.since >= Self.wakeLife }
                for (subscription, gone) in late {
                    self.hosts.values[index].woken[subscription] = nil
                    self.hosts.values[index].expected -= gone.expected
                }
            }
            if !self.hosts.values[index].waiting.isEmpty {
                woken += self.hosts.values[index].wake(limit: self.limit, at: now)
            }
            if self.hosts.values[index].isUnused { unused.append(self.hosts.keys[index]) }
            self.hosts.formIndex(after: &index)
        }
        for name in unused { self.hosts[name] = nil }
        self.forget(woken)
        return woken
    }
}
