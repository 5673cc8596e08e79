import CEpoll
import Domain
import NIOConcurrencyHelpers
import Store

/// The attempts and bytes an engine may have in flight, shared by its shards and fairly by its projects.
final class ConcurrencyLimiter: Sendable {
    private struct State {
        var shares: FairShares
        /// The shards that wait for a slot, by their number.
        var waiting: [Int: ShardInbox] = [:]
        var isTimerSet = false
        var idleWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state: NIOLockedValueBox<State>

    init(slots: Int, bytes: Int = FairShares.bytesMax) {
        self.state = NIOLockedValueBox(State(shares: FairShares(slots: slots, bytes: bytes)))
    }

    func limit(slots: Int, bytes: Int) {
        self.change { $0.limit(slots: slots, bytes: bytes) }
    }

    /// Leases that are not settled yet.
    var used: Int { self.state.withLockedValue { $0.shares.used + $0.shares.settling } }
    var bytes: Int { self.state.withLockedValue { $0.shares.bytes } }
    /// How many leases, and bytes, there may be.
    var limits: (slots: Int, bytes: Int) { self.state.withLockedValue { $0.shares.limits } }

    /// Projects that may take nothing more now.
    var blocked: Int {
        self.state.withLockedValue { state in
            state.shares.advance(to: cepoll_milliseconds())
            return state.shares.blocked
        }
    }

    /// Reserves what one call may lease; ``confirm(_:of:and:)`` has to follow.
    ///
    /// A shard that gets nothing, or nothing for some projects, is asked to lease when there is something.
    ///
    /// - Parameters:
    ///   - settling: Slots that the same call gives back.
    ///   - isFanningOut: Whether the call fans out events too.
    func reserve(
        for shard: ShardInbox, upTo wanted: Int = FairShares.perCallMax, settling: Int = 0, isFanningOut: Bool = false
    ) -> FairShares.Reservation {
        let reservation = self.state.withLockedValue { state in
            state.shares.advance(to: cepoll_milliseconds())
            let reservation = state.shares.reserve(
                for: shard.shard, upTo: wanted, settling: settling, isFanningOut: isFanningOut)
            if reservation.isAskedAgain { state.waiting[shard.shard] = shard }
            return reservation
        }
        self.setTimer(of: shard)
        return reservation
    }

    /// While shards wait for time, has some of them asked again after each pause.
    private func setTimer(of shard: ShardInbox) {
        let isNeeded = self.state.withLockedValue { state in
            guard state.shares.isPacing, !state.isTimerSet else { return false }
            state.isTimerSet = true
            return true
        }
        guard isNeeded else { return }
        shard.schedule(in: FairShares.pause) {
            let woken = self.state.withLockedValue { state in
                state.isTimerSet = false
                state.shares.advance(to: cepoll_milliseconds())
                return state.shares.nextPaced().compactMap { state.waiting.removeValue(forKey: $0) }
            }
            for inbox in woken { inbox.mayBeginMore() }
            self.setTimer(of: shard)
        }
    }

    /// - Parameters:
    ///   - projects: Whose the leases are that came.
    ///   - others: And those that are more.
    func confirm(
        _ reservation: FairShares.Reservation, of projects: some Sequence<ProjectID>, and others: [ProjectID] = []
    ) {
        self.change {
            $0.confirm(reservation, of: projects)
            $0.count(others)
        }
    }

    /// - Parameters:
    ///   - projects: Of the leases whose end is about to be written down, one each; ``settled(_:)`` has to follow.
    ///   - bodies: What ``begin(bytes:of:)`` counted for them.
    func settling(_ projects: [ProjectID], bodies: [(bytes: Int, project: ProjectID)]) {
        self.state.withLockedValue { $0.shares.settling(projects, bodies: bodies) }
    }

    /// Counts what the body of an attempt costs.
    func begin(bytes: Int, of project: ProjectID) {
        guard StartBudget.cost(ofBytes: bytes) > 0 else { return }
        self.state.withLockedValue { $0.shares.begin(bytes: bytes, of: project) }
    }

    func settled(_ count: Int) {
        self.change { $0.settled(count) }
    }

    func mayHold(_ project: ProjectID) -> Bool { self.state.withLockedValue { $0.shares.mayHold(project) } }

    func hold(bytes: Int, of project: ProjectID) {
        self.state.withLockedValue { $0.shares.hold(bytes: bytes, of: project) }
    }

    func release(bytes: Int, of project: ProjectID) {
        self.change { $0.release(bytes: bytes, of: project) }
    }

    /// Returns when no slot is held and no call is under way.
    func waitUntilIdle() async {
        await withCheckedContinuation { continuation in
            let isIdle = self.state.withLockedValue { state in
                if !state.shares.isIdle { state.idleWaiters.append(continuation) }
                return state.shares.isIdle
            }
            if isIdle { continuation.resume() }
        }
    }

    private func change(_ body: (inout FairShares) -> Void) {
        let (woken, waiters) = self.state.withLockedValue { state in
            body(&state.shares)
            let woken = state.shares.next().flatMap { state.waiting.removeValue(forKey: $0) }
            guard state.shares.isIdle else { return (woken, [CheckedContinuation<Void, Never>]()) }
            defer { state.idleWaiters = [] }
            return (woken, state.idleWaiters)
        }
        woken?.request(.lease)
        for waiter in waiters { waiter.resume() }
    }
}
