import Domain
import NIOConcurrencyHelpers

/// The attempts in flight to each host, over all engines of the process.
package final class HostLimiter: Sendable {
    private struct State {
        var capacity: HostCapacity
        var inboxes: [Int: ShardInbox] = [:]
        var inboxesEver = 0
        var lastExpiry = ContinuousClock.now
    }

    private let state: NIOLockedValueBox<State>

    package init(limit: Int) {
        self.state = NIOLockedValueBox(State(capacity: HostCapacity(limit: limit)))
    }

    /// Makes a shard known.
    ///
    /// - Returns: Its number among those of the process, for ``HostCapacity/Waiter/inbox``.
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
    var waiters: Int { self.state.withLockedValue { $0.capacity.waiters } }

    /// Attempts in flight to a host.
    package func inFlight(to host: String) -> Int { self.state.withLockedValue { $0.capacity.inFlight(to: host) } }

    /// Counts an attempt, if there is capacity for it.
    func enter(_ host: String, _ waiter: HostCapacity.Waiter) -> Bool {
        let (isCounted, wakes) = self.state.withLockedValue { state in
            let (isCounted, woken) = state.capacity.enter(host, waiter, at: .now)
            return (isCounted, Self.wakes(woken, state))
        }
        Self.carryOut(wakes)
        return isCounted
    }

    /// Has a subscription wait, see ``HostCapacity/wait(for:_:)``.
    func wait(for host: String, _ waiter: HostCapacity.Waiter) -> (isRemembered: Bool, seconds: ClosedRange<Double>) {
        self.state.withLockedValue { $0.capacity.wait(for: host, waiter) }
    }

    /// A delivery of a subscription was parked in Redis, or given up.
    func parked(_ subscription: SubscriptionID, for host: String) {
        Self.carryOut(
            self.state.withLockedValue { Self.wakes($0.capacity.parked(subscription, for: host, at: .now), $0) })
    }

    func leave(_ host: String, of project: ProjectID) {
        Self.carryOut(
            self.state.withLockedValue { Self.wakes($0.capacity.leave(host, of: project, at: .now), $0) })
    }

    /// Gives up on woken subscriptions that did not come; called by each engine, and done once in `expiryEvery`.
    func expireWakes() {
        let wakes = self.state.withLockedValue { state in
            let now = ContinuousClock.now
            guard now - state.lastExpiry >= Self.expiryEvery else { return [Wake]() }
            state.lastExpiry = now
            return Self.wakes(state.capacity.expireWakes(at: now), state)
        }
        Self.carryOut(wakes)
    }

    private static let expiryEvery = Duration.milliseconds(900)

    private typealias Wake = (inbox: ShardInbox, subscription: SubscriptionID)

    private static func wakes(_ waiters: [HostCapacity.Waiter], _ state: State) -> [Wake] {
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
