import Domain
import HTTPClient
import Logging
import NIOConcurrencyHelpers
import Runtime
import Signing
import Store

/// Makes attempts of the leases of one shard, and hands their results to the ``Settler``.
///
/// ```
///  leases ──► where they go ──► plan ──► admitted by host and gate ──► Channels ──► results
///                  └──► AddressInquiries ──┘
/// ```
/// What goes to an address that can be suppressed takes a way of its own, for the control store that is asked about it may be away.
final class AttemptStarter: Sendable {
    /// Milliseconds until something that may not start is leased again.
    private static let postponement: ClosedRange<Double> = 500...1_500
    /// How much later than that a suspect that is to be attempted alone is leased again, at most.
    private static let soloWaitMax = Duration.seconds(60)

    private let inbox: ShardInbox
    private let settler: Settler
    private let deliveries: any DeliveryStorage
    private let channels: Channels
    private let planner: AttemptPlanner
    private let hosts: HostLimiter
    private let hostNumber: Int
    private let gate: SuspectGate
    private let clock: RedisClock
    private let metrics: NotifierMetrics
    private let logger: Logger
    private let bodies = SharedBodies()
    private let inquiries = AddressInquiries()

    init(
        inbox: ShardInbox, settler: Settler, deliveries: any DeliveryStorage, channels: Channels,
        planner: AttemptPlanner, hosts: HostLimiter, gate: SuspectGate, clock: RedisClock, metrics: NotifierMetrics,
        logger: Logger
    ) {
        self.inbox = inbox
        self.settler = settler
        self.deliveries = deliveries
        self.channels = channels
        self.planner = planner
        self.hosts = hosts
        self.hostNumber = hosts.register(inbox)
        self.gate = gate
        self.clock = clock
        self.metrics = metrics
        self.logger = logger
    }

    /// What waits for an answer of the control store is handed back, and nothing more is asked: ``inquire()`` returns.
    func stop() {
        for located in self.inquiries.stop() { self.settler.end(located.delivery, with: .handedBack) }
    }

    /// Nothing is started any more.
    func end() { self.hosts.unregister(self.hostNumber) }

    // MARK: Starting

    /// Starts what may start, and ends what does not.
    ///
    /// While one suspect is attempted alone, what was leased before waits here.
    func start() async throws(StoreError) {
        guard self.gate.admit(ShardSchedule.startsMax, for: self.inbox) else { return }
        var prepared: [Prepared] = []
        // Counted until then, so that nothing else starts alone meanwhile.
        defer { self.gate.ended(ShardSchedule.startsMax - prepared.count) }
        let startables = self.inbox.change { $0.nextStarts() }
        guard !startables.isEmpty else { return }
        let located = try await self.locate(startables)
        let now = self.clock.now
        let asked = located.filter { self.planner.address(of: $0, at: now) != nil }
        for located in self.inquiries.add(asked) { self.settler.end(located.delivery, with: Self.postponed) }
        let ready = asked.isEmpty ? located : located.filter { self.planner.address(of: $0, at: now) == nil }
        prepared = self.prepare(ready, .none, at: now, isAlone: false)
        await self.send(prepared)
    }

    private func send(_ prepared: [Prepared]) async {
        self.channels.send(prepared.lazy.filter { $0.suspicion == 0 }.map(\.attempt))
        await self.begin(prepared.filter { $0.suspicion > 0 })
    }

    /// Starts what waited to be asked about, one batch after the other, until there is no more.
    func inquire() async {
        while await self.inquiries.signal.wait() {
            while case let located = self.inquiries.next(), !located.isEmpty {
                let verdicts = await self.planner.verdicts(on: located, at: self.clock.now)
                let located = await self.current(located)
                guard self.gate.admit(located.count, for: self.inbox) else {
                    for one in located { self.settler.end(one.delivery, with: Self.postponed) }
                    continue
                }
                let prepared = self.prepare(located, verdicts, at: self.clock.now, isAlone: false)
                self.gate.ended(located.count - prepared.count)
                await self.send(prepared)
            }
        }
    }

    /// Looks again at deliveries that have waited for an answer: those that may still be sent, and to the address that was asked about.
    ///
    /// The others are handed back: they are another notifier's by now, their subscription is another one, or the engine stops.
    private func current(_ waited: [AttemptPlanner.Located]) async -> [AttemptPlanner.Located] {
        let isStopping = self.inbox.change { $0.isStopping }
        let found: [AttemptPlanner.Located]
        do throws(StoreError) {
            found = try await self.planner.locate(waited.map(\.delivery), in: self.inbox.shard)
        } catch {
            for one in waited { self.settler.end(one.delivery, with: Self.postponed) }
            return []
        }
        let now = self.clock.now
        return zip(waited, found).compactMap { before, after in
            let isHeld = before.delivery.all.allSatisfy { self.settler.token(of: $0.id) != nil }
            let address = self.planner.address(of: after, at: now)
            if !isStopping, isHeld, address == nil || address == self.planner.address(of: before, at: now) {
                return after
            }
            self.settler.end(before.delivery, with: .handedBack)
            return nil
        }
    }

    /// Attempts the suspect that waited until nothing else is in flight in the process.
    func startSolo() async throws(StoreError) {
        guard let suspect = self.inbox.change({ $0.takeSolo() }) else { return }
        guard self.gate.mayStartAlone(self.inbox) else {
            return self.settler.end(suspect, with: Self.postponed)
        }
        let prepared: [Prepared]
        do throws(StoreError) {
            let located = try await self.locate([suspect])
            let verdicts = await self.planner.verdicts(on: located, at: self.clock.now)
            prepared = self.prepare(located, verdicts, at: self.clock.now, isAlone: true)
        } catch {
            self.gate.soloEnded(by: self.inbox)
            throw error
        }
        if prepared.isEmpty { self.gate.soloEnded(by: self.inbox) } else { await self.begin(prepared) }
    }

    /// Starts suspects, once Redis has recorded that their attempts begin: only the lapse of such a lease makes them more
    /// suspicious.
    private func begin(_ suspects: [Prepared]) async {
        guard !suspects.isEmpty else { return }
        self.metrics.suspects(suspects.count)
        var begun: [Attempt] = []
        do throws(StoreError) {
            let known = suspects.flatMap(\.ids).compactMap { id in self.settler.token(of: id).map { (id, $0) } }
            let answers = try await self.deliveries.begin(self.inbox.shard, known.map(\.1))
            var held: Set<LeasedDelivery.ID> = []
            for (index, answer) in answers.enumerated() where answer && index < known.count {
                held.insert(known[index].0)
            }
            for suspect in suspects {
                if suspect.ids.allSatisfy(held.contains) {
                    begun.append(suspect.attempt)
                } else {
                    for id in suspect.ids where !held.contains(id) { self.settler.lose(id) }
                    suspect.attempt.completion(.aborted)
                }
            }
        } catch {
            self.logger.warn("Suspects could not be begun", error, shard: self.inbox.shard)
            for suspect in suspects { suspect.attempt.completion(.aborted) }
        }
        self.channels.send(begun)
    }

    /// An attempt that is ready to be sent.
    ///
    /// It is counted for its host and at the gate until it completes.
    private struct Prepared {
        /// Of all deliveries that go out in it.
        let ids: [LeasedDelivery.ID]
        let suspicion: Int
        let attempt: Attempt
    }

    /// - Throws: When Redis could not be asked where they go; then all are handed back.
    private func locate(_ deliveries: [LeasedDelivery]) async throws(StoreError) -> [AttemptPlanner.Located] {
        do throws(StoreError) {
            return try await self.planner.locate(deliveries, in: self.inbox.shard)
        } catch {
            for delivery in deliveries { self.settler.end(delivery, with: .handedBack) }
            throw error
        }
    }

    /// - Returns: What may be sent; everything else has ended, or waits to be attempted alone.
    private func prepare(
        _ deliveries: [AttemptPlanner.Located], _ verdicts: AddressRules.Verdicts, at now: Timestamp, isAlone: Bool
    ) -> [Prepared] {
        let plans = self.planner.plan(deliveries, verdicts, at: now, bodies: self.bodies) {
            self.admit($0, to: $1.host, isAlone: isAlone)
        }
        var prepared: [Prepared] = []
        prepared.reserveCapacity(plans.count)
        for plan in plans {
            switch plan {
            case .keep: break
            case .end(let delivery, let ending): self.settler.end(delivery, with: ending)
            case .park(let startable, let host): self.park(startable, for: host)
            case .unreadable(let startable):
                self.logger.warn(
                    "A subscription cannot be read, its deliveries wait",
                    StoreError.corrupt("subscription \(startable.lease.subscription.text)"), shard: self.inbox.shard)
                self.metrics.unreadable(1)
                self.settler.end(startable, with: Settler.unreadable)
            case .postpone(let startable, let host):
                self.leave(host, startable, isAlone: isAlone)
                self.settler.end(startable, with: Self.postponed)
            case .fail(let startable, let policy, let destination, let host, let error):
                self.logger.error("A message body does not open", metadata: Self.metadata(startable.lease, error))
                self.leave(host, startable, isAlone: isAlone)
                let attempt = InFlightAttempt(startable, to: destination, policy, startedAt: now)
                self.end(attempt, .unreachable(.sealed), Exchange(), at: now)
            case .send(let startable, let policy, let draft):
                self.metrics.started(startable.lease, at: now)
                self.settler.keep(draft.body, for: startable.id)
                let inFlight = InFlightAttempt(startable, to: draft.destination, policy, startedAt: now)
                let attempt = self.attempt(inFlight, draft, project: startable.lease.queue.project, isAlone: isAlone)
                prepared.append(
                    Prepared(ids: startable.all.map(\.id), suspicion: inFlight.suspicion, attempt: attempt))
            }
        }
        return prepared
    }

    private func attempt(
        _ attempt: InFlightAttempt, _ draft: AttemptPlanner.AttemptDraft, project: ProjectID, isAlone: Bool
    ) -> Attempt {
        let host = draft.target.host
        // A suspect that is attempted alone has not to wait for those that only wait for an answer, as those at sessions may.
        let counts = draft.destination == .session ? NIOLockedValueBox(true) : nil
        let isSuspect = isAlone || attempt.suspicion >= SuspectRules.fewLevel
        return Attempt(
            destination: draft.destination, target: draft.target, delivery: draft.delivery, message: draft.message,
            kind: attempt.kind, number: attempt.attempt, startedAt: attempt.startedAt, project: project,
            body: draft.body.bytes, isCollected: draft.isCollected, provenance: draft.provenance,
            waits: {
                self.settler.release(attempt.all(.handedBack).map(\.id))
                guard !isSuspect, let counts else { return }
                counts.withLockedValue { $0 = false }
                self.gate.ended(1)
            }
        ) { result in
            self.hosts.leave(host, of: project)
            if isAlone {
                self.gate.soloEnded(by: self.inbox)
            } else {
                if attempt.suspicion >= SuspectRules.fewLevel { self.gate.suspectEnded() }
                if counts?.withLockedValue({ $0 }) ?? true { self.gate.ended(1) }
            }
            self.finished(attempt, result)
        }
    }

    /// Whether an attempt may begin; if so it is counted for its host.
    private func admit(
        _ startable: LeasedDelivery, to host: String, isAlone: Bool
    ) -> AttemptPlanner.Admission {
        let lease = startable.lease
        if lease.suspicion >= SuspectRules.soloLevel, !isAlone {
            guard !self.inbox.change({ $0.hasSolo }) else { return .ended(Self.postponed) }
            switch self.gate.requestSolo(for: self.inbox) {
            case .granted, .waiting:
                self.inbox.change { $0.keepSolo(startable) }
                return .kept
            case .refused(let wait):
                let wait = min(wait, Self.soloWaitMax)
                return .ended(.postponed(wait + .milliseconds(.random(in: Self.postponement))))
            }
        }
        let waiter = self.waiter(for: lease)
        guard self.hosts.enter(host, waiter) else { return .full }
        if lease.suspicion >= SuspectRules.fewLevel, !isAlone, !self.gate.admitSuspect() {
            self.hosts.leave(host, of: lease.queue.project)
            return .ended(Self.postponed)
        }
        return .admitted
    }

    private func waiter(for lease: Lease) -> HostCapacity.Waiter {
        HostCapacity.Waiter(subscription: lease.subscription, project: lease.queue.project, inbox: self.hostNumber)
    }

    /// Has the subscription of a lease wait for its host.
    private func park(_ startable: LeasedDelivery, for host: String) {
        self.metrics.postponed()
        let (isRemembered, seconds) = self.hosts.wait(for: host, self.waiter(for: startable.lease))
        self.settler.end(
            startable, with: .parked(.seconds(.random(in: seconds))), fullHost: isRemembered ? host : nil)
    }

    private static var postponed: Settlement.Ending { .postponed(.milliseconds(.random(in: Self.postponement))) }

    /// Takes back what ``admit(_:to:isAlone:)`` counted.
    private func leave(_ host: String, _ startable: LeasedDelivery, isAlone: Bool) {
        self.hosts.leave(host, of: startable.lease.queue.project)
        if startable.lease.suspicion >= SuspectRules.fewLevel, !isAlone { self.gate.suspectEnded() }
    }

    private func finished(_ attempt: InFlightAttempt, _ result: AttemptResult) {
        switch result {
        case .aborted: self.settler.end(attempt.all(.handedBack), nil)
        case .postponed(let pause):
            self.metrics.postponed()
            self.settler.end(attempt.all(.postponed(pause * Double.random(in: Self.holdSpread))), nil)
        case .held(let outcome, let exchange, let pause): self.hold(attempt, outcome, exchange, for: pause)
        case .finished(let outcome, let exchange): self.end(attempt, outcome, exchange, at: self.clock.now)
        }
    }

    /// Hands a delivery back whose channel cannot be used; a test ends, since it waits for nothing.
    private func hold(_ attempt: InFlightAttempt, _ outcome: Outcome?, _ exchange: Exchange, for pause: Duration) {
        let isTest = attempt.kind == .test
        let report = (outcome ?? (isTest ? .unreachable(.other) : nil)).map {
            AttemptReport(startedAt: attempt.startedAt, kind: attempt.kind, outcome: $0, exchange: exchange)
        }
        if let outcome {
            self.metrics.finished(outcome, by: attempt.destination, exchange)
        } else {
            self.metrics.postponed()
        }
        // Not all at the same moment.
        self.settler.end(
            attempt.all(isTest ? .dropped : .parked(pause * Double.random(in: Self.holdSpread))), report)
    }

    private static let holdSpread = 1...1.25

    private func end(_ attempt: InFlightAttempt, _ outcome: Outcome, _ exchange: Exchange, at now: Timestamp) {
        self.metrics.finished(outcome, by: attempt.destination, exchange)
        if case .accepted = outcome { self.metrics.accepted(attempt.posted, by: attempt.destination, at: now) }
        let report = AttemptReport(
            startedAt: attempt.startedAt, kind: attempt.kind, outcome: outcome, exchange: exchange)
        self.settler.end(attempt.endings(after: outcome, at: now), report)
    }

    private static func metadata(_ lease: Lease, _ error: VaultError) -> Logger.Metadata {
        [
            LogKey.queueName: "\(lease.queue.name)", LogKey.subscriptionID: "\(lease.subscription.text)",
            LogKey.deliveryAttempt: "\(lease.attempt)", LogKey.error: "\(error)",
        ]
    }
}
