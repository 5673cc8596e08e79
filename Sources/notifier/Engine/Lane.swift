import Domain
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Runtime
import Store

/// The work of one notifier in one shard: two loops, one that begins attempts and one that writes down their ends.
///
/// ```
///  bell, look, freed slots, due time ──► errands ──► pump: take, lease, reap, sweep ──► attempts ──► WebhookClient
///                                          ▲                                                            │
///                              leases or wake ◄── Settler: up to 64 results a call ◄── results ◄────────┘
/// ```
///
/// A settlement leases what follows in the same call, while the pump has nothing to ask for. Only the pump begins attempts,
/// and only one of the two leases at a time, so a shard's deliveries start in the order they were handed out.
final class Lane: Sendable {
    /// A due time further away than this is left to a later look.
    private static let horizon: Int64 = 5_000
    /// Milliseconds until something that could not be leased although it was due is asked for again.
    private static let recheck: Int64 = 20
    /// Milliseconds until a host that had no room is tried again: not all at the same moment.
    private static let postponement = 500...1500
    /// Lapsed leases made due again in one call.
    private static let reapedMax = 100

    private struct State {
        var errands: Errands = []
        /// Leases that came with settlements, in their order.
        var handed: [[Lease]] = []
        var isStopping = false
        var dueTimer: (at: Timestamp, timer: Scheduled<Void>)?
    }

    let shard: Int
    let settler: Settler
    private let tools: NotifierTools
    private let eventLoop: any EventLoop
    private let wake = Wake()
    private let turn = LeasingTurn()
    private let state = NIOLockedValueBox(State())

    init(shard: Int, tools: NotifierTools, eventLoop: any EventLoop) {
        self.shard = shard
        self.settler = Settler(shard: shard, tools: tools)
        self.tools = tools
        self.eventLoop = eventLoop
    }

    // MARK: Errands

    /// Asks the pump for something; without effect once the lane stops.
    func request(_ errands: Errands) {
        let isNew = self.state.withLockedValue { state in
            guard !state.isStopping, !state.errands.isSuperset(of: errands) else { return false }
            state.errands.formUnion(errands)
            return true
        }
        if isNew { self.wake.call() }
    }

    /// Has the pump look for due deliveries at a time by Redis' clock.
    func request(leaseAt due: Timestamp) {
        let wait = due.milliseconds - self.tools.clock.now.milliseconds
        guard wait > 0 else { return self.request(.lease) }
        guard wait <= Self.horizon else { return }
        self.state.withLockedValue { state in
            if let known = state.dueTimer {
                guard due < known.at else { return }
                known.timer.cancel()
            }
            guard !state.isStopping else { return }
            let timer = self.eventLoop.scheduleTask(in: .milliseconds(wait)) {
                self.state.withLockedValue { $0.dueTimer = nil }
                self.request(.lease)
            }
            state.dueTimer = (due, timer)
        }
    }

    /// Takes no more work; ``pump()`` returns when the call it is in has been answered.
    func stopTaking() {
        self.state.withLockedValue { state in
            state.isStopping = true
            state.dueTimer?.timer.cancel()
            state.dueTimer = nil
        }
        self.wake.finish()
    }

    // MARK: The pump

    /// Does errands until ``stopTaking()``.
    func pump() async {
        await self.doErrands()
        // The settler, which may be in the middle of leasing, will lease no more.
        await self.turn.take()
        while let leases = self.nextHanded() { self.handBack(leases) }
    }

    private func doErrands() async {
        var backoff = Backoff()
        while await self.wake.wait() {
            while let errand = self.nextErrand() {
                do {
                    try await self.carryOut(errand)
                    backoff.succeeded()
                } catch {
                    let pause = backoff.failed(chance: .random(in: 0..<1))
                    self.tools.trouble.note("Redis did not do what a shard needs", error, shard: self.shard)
                    self.request(errand)
                    // Cancelled: the loop's condition sees that the lane stops.
                    try? await Task.sleep(for: pause)
                }
            }
        }
    }

    private func nextErrand() -> Errands? {
        self.state.withLockedValue { state in
            guard !state.isStopping else { return nil }
            // Lapsed leases and new events first: what they bring is leased in the same round.
            for errand in [Errands.start, .reap, .take, .lease, .sweep] where state.errands.contains(errand) {
                state.errands.remove(errand)
                return errand
            }
            return nil
        }
    }

    private func carryOut(_ errand: Errands) async throws(StoreError) {
        switch errand {
        case .start: try await self.startHanded()
        case .reap: try await self.reap()
        case .take: try await self.take()
        case .lease: try await self.lease()
        case .sweep: try await self.sweep()
        default: preconditionFailure("errands are done one by one")
        }
    }

    private func hasErrand(_ errand: Errands) -> Bool {
        self.state.withLockedValue { $0.errands.contains(errand) }
    }

    private var isStopping: Bool { self.state.withLockedValue { $0.isStopping } }

    /// Fans out until no event is left.
    ///
    /// Without a slot it still turns events into waiting deliveries: a full notifier must not keep a message from the
    /// others.
    private func take() async throws(StoreError) {
        var hasMore = true
        while hasMore, !self.isStopping {
            hasMore = try await self.takeSome()
            // A message to very many takes many pages: what came due meanwhile does not wait for the last of them.
            if hasMore { try await self.leaseSome() }
        }
        if hasMore { self.request(.take) }
    }

    /// Fans out in one call, and starts what it brought.
    ///
    /// - Returns: Whether there is more.
    private func takeSome() async throws(StoreError) -> Bool {
        await self.turn.take()
        defer { self.turn.pass() }
        try await self.startHanded()
        let slots = self.tools.slots.reserve(for: self.shard)
        let taken: Taken
        do throws(StoreError) {
            taken = try await self.tools.store.deliveries.take(
                self.shard, allowance: LeaseAllowance(capacity: slots), lease: self.tools.settings.lease,
                confirmedOnly: self.tools.settings.confirmedOnly)
        } catch {
            self.tools.free(slots)
            throw error
        }
        self.tools.free(slots - taken.leases.count)
        // The bell also rings for what waits without an event: a confirmation.
        if taken.leases.isEmpty, !taken.more { self.request(.lease) }
        try await self.start(taken.leases)
        return taken.more
    }

    /// Leases what is due until nothing is left or no slot, and sees to it that what is due next is.
    private func lease() async throws(StoreError) {
        while !self.isStopping, let leased = try await self.leaseSome() {
            if leased.more, !leased.leases.isEmpty {
                // However much is due, what was posted meanwhile is fanned out before the rest of it.
                guard self.hasErrand(.take) else { continue }
                return self.request(.lease)
            }
            return self.lookAgain(after: leased)
        }
    }

    /// What is due already came due in this very moment, or is out of reach until a slot or a window comes free: soon again,
    /// but not at once, so that the second kind does not keep us asking.
    private func lookAgain(after leased: Leased) {
        guard let due = leased.nextDue else { return }
        self.request(leaseAt: max(due, self.tools.clock.now.adding(milliseconds: Self.recheck)))
    }

    /// Leases what is due in one call, and starts it.
    ///
    /// - Returns: nil without a slot.
    @discardableResult
    private func leaseSome() async throws(StoreError) -> Leased? {
        await self.turn.take()
        defer { self.turn.pass() }
        try await self.startHanded()
        let slots = self.tools.slots.reserve(for: self.shard)
        guard slots > 0 else { return nil }
        let leased: Leased
        do throws(StoreError) {
            leased = try await self.tools.store.deliveries.lease(
                self.shard, allowance: LeaseAllowance(capacity: slots), lease: self.tools.settings.lease)
        } catch {
            self.tools.free(slots)
            throw error
        }
        self.tools.free(slots - leased.leases.count)
        try await self.start(leased.leases)
        return leased
    }

    private func reap() async throws(StoreError) {
        while !self.isStopping {
            let reaped = try await self.tools.store.deliveries.reap(self.shard, limit: Self.reapedMax)
            self.tools.metrics.lapsed(reaped.lapsed)
            if reaped.lapsed > 0 { self.request(.lease) }
            if !reaped.more { return }
        }
    }

    private func sweep() async throws(StoreError) {
        while !self.isStopping, try await self.tools.store.deliveries.sweep(self.shard).more {}
    }

    /// What a look over all shards saw of this one.
    func noticed(_ look: ShardLook) {
        var errands: Errands = []
        if look.events > 0 { errands.insert(.take) }
        if let oldest = look.oldestLease, oldest <= look.now { errands.insert(.reap) }
        if let next = look.nextSweep, next <= look.now { errands.insert(.sweep) }
        if !errands.isEmpty { self.request(errands) }
        if let due = look.nextDue { self.request(leaseAt: due) }
    }

    // MARK: Leasing with a settlement

    var isLeasing: Bool { self.turn.isTaken }

    /// Reserves slots for what a settlement may lease in its call; ``takeOver(_:reserved:)`` has to follow.
    ///
    /// - Returns: nil while the pump leases, or when nothing is to be begun any more.
    func reserve(upTo count: Int) -> Int? {
        guard !self.isStopping, self.turn.takeIfFree() else { return nil }
        return self.tools.slots.reserve(for: self.shard, upTo: count)
    }

    /// Has the pump start what a settlement leased, and ask for what it did not.
    ///
    /// - Parameter leased: nil when it leased nothing.
    func takeOver(_ leased: Leased?, reserved: Int?) {
        let leases = leased?.leases ?? []
        if let reserved {
            self.tools.free(reserved - leases.count)
            if !leases.isEmpty {
                self.state.withLockedValue { $0.handed.append(leases) }
                self.request(.start)
            }
            self.turn.pass()
        }
        guard let leased, leases.isEmpty || !leased.more else { return self.request(.lease) }
        self.lookAgain(after: leased)
    }

    private func startHanded() async throws(StoreError) {
        while let leases = self.nextHanded() { try await self.start(leases) }
    }

    private func nextHanded() -> [Lease]? {
        self.state.withLockedValue { $0.handed.isEmpty ? nil : $0.handed.removeFirst() }
    }

    // MARK: Attempts

    private func start(_ leases: [Lease]) async throws(StoreError) {
        guard !leases.isEmpty else { return }
        guard !self.isStopping else { return self.handBack(leases) }
        self.settler.begin(leases)
        let now = self.tools.clock.now
        let plans: [Attempts.Plan]
        do throws(StoreError) {
            plans = try await self.tools.attempts.plan(leases, in: self.shard, at: now)
        } catch {
            for lease in leases { self.settler.end(lease, with: .handedBack) }
            throw error
        }
        var requests: [WebhookRequest] = []
        requests.reserveCapacity(plans.count)
        for plan in plans {
            switch plan {
            case .end(let lease, let ending): self.settler.end(lease, with: ending)
            case .fail(let lease, let terms, let error):
                self.tools.logger.error(
                    "A message body does not open",
                    metadata: [
                        LogKey.queueName: "\(lease.queue.name)", LogKey.subscriptionID: "\(lease.subscription.text)",
                        LogKey.deliveryAttempt: "\(lease.attempt)", LogKey.error: "\(error)",
                    ])
                self.end(RunningAttempt(lease, terms, startedAt: now), .unreachable(.sealed), Exchange(), at: now)
            case .send(let lease, _, let draft) where !self.tools.hosts.enter(draft.host):
                self.tools.metrics.postponed()
                self.settler.end(lease, with: .postponed(.milliseconds(Int.random(in: Self.postponement))))
            case .send(let lease, let terms, let draft):
                self.tools.metrics.started(lease, at: now)
                // Only what the end needs: the lease itself would keep the whole reply it came in.
                let attempt = RunningAttempt(lease, terms, startedAt: now)
                if draft.ownBytes > 0 { self.settler.load(attempt.key, bytes: draft.ownBytes) }
                requests.append(
                    WebhookRequest(
                        url: draft.url, host: draft.host, headers: draft.headers, body: draft.body,
                        project: lease.queue.project
                    ) { result in
                        self.tools.hosts.leave(draft.host)
                        self.finished(attempt, result)
                    })
            }
        }
        self.tools.client.send(requests)
    }

    private func handBack(_ leases: [Lease]) {
        self.settler.begin(leases)
        for lease in leases { self.settler.end(lease, with: .handedBack) }
    }

    private func finished(_ attempt: RunningAttempt, _ result: WebhookResult) {
        switch result {
        case .aborted: self.settler.end(attempt.key, with: .handedBack)
        case .finished(let outcome, let exchange):
            self.tools.metrics.finished(outcome)
            self.end(attempt, outcome, exchange, at: self.tools.clock.now)
        }
    }

    private func end(_ attempt: RunningAttempt, _ outcome: Outcome, _ exchange: Exchange, at now: Timestamp) {
        let report = AttemptReport(
            startedAt: attempt.startedAt, kind: attempt.kind, outcome: outcome, exchange: exchange)
        self.settler.end(attempt.key, with: attempt.ending(after: outcome, at: now), report)
    }
}

/// What has to be known of a lease when its attempt ends.
private struct RunningAttempt: Sendable {
    let key: UnderWay.Key
    let kind: NotificationKind
    let startedAt: Timestamp
    let expiresAt: Timestamp
    let terms: AttemptTerms

    init(_ lease: Lease, _ terms: AttemptTerms, startedAt: Timestamp) {
        self.key = UnderWay.Key(lease.token)
        self.kind = lease.kind
        self.startedAt = startedAt
        self.expiresAt = lease.expiresAt
        self.terms = terms
    }

    func ending(after outcome: Outcome, at now: Timestamp) -> Settlement.Ending {
        self.terms.ending(after: outcome, attempt: self.key.attempt, expiresAt: self.expiresAt, now: now)
    }
}
