import Domain
import Redis
import Signing

/// The deliveries of subscriptions: events become deliveries, deliveries are leased for attempts, attempts are settled.
///
/// ```
///             take                  lease, settle                    settle
/// event ──────────────► leased   due ─────────────► leased ──────────────────────► delivered, dead letter, dropped
///           └─────────► due       ▲                   │  └► due again, later or at once
///                                 └───────────────────┘ reap: the lease lapsed
/// ```
/// Every step is one script, so a worker may die between any two of them.
struct DeliveryStore: DeliveryStorage, DeadLetterStorage {
    let runner: ScriptRunner
    let keySpace: KeySpace
    let tagger: MessageTagger
    let moves: DeadLetterMoves
    let limits: DeliveryLimits

    var shards: Int { self.keySpace.shards.count }

    func take(
        _ shard: Int, events: Int = 16, allowance: LeaseAllowance, page: Int = 200, lease: Duration,
        confirmedOnly: Bool,
        verdicts: [EventVerdicts] = []
    ) async throws(StoreError) -> Taken {
        precondition((1...1000).contains(page), "a page has 1 through 1000 deliveries")
        let keys = self.keySpace.shards[shard]
        var call = self.runner.call(
            Scripts.deliveryTake,
            keys: [
                keys.fanoutProjects, keys.fanoutPages, keys.pacing, keys.leases, keys.payloads, keys.payloadReferences,
                keys.readyProjects,
                keys.subscriptionHeaders, keys.waitingCounts, keys.deliverySweeps, keys.payloadExpiries,
                keys.lastPosition, keys.subscriptions,
            ])
        call.append(keys.prefix)
        call.append(self.limits.text)
        call.append(events)
        call.append(page)
        call.append(lease.milliseconds)
        call.append(confirmedOnly ? 1 : 0)
        call.append(allowance)
        for argument in verdicts.lazy.flatMap(\.arguments) { call.append(argument) }
        return try Taken(ReplyReader(try await self.runner.run(call), of: Scripts.deliveryTake))
    }

    func lease(
        _ shard: Int, allowance: LeaseAllowance, lease: Duration, projects: Int = StorageLimits.projectsOfCall,
        subscriptionsPerProject: Int = StorageLimits.subscriptionsPerProject
    ) async throws(StoreError) -> Leased {
        let keys = self.keySpace.shards[shard]
        var call = self.runner.call(
            Scripts.deliveryLease,
            keys: [
                keys.pacing, keys.leases, keys.payloads, keys.readyProjects, keys.subscriptionHeaders,
                keys.waitingCounts, keys.turns,
            ])
        call.append(keys.prefix)
        call.append(lease.milliseconds)
        call.append(projects)
        call.append(subscriptionsPerProject)
        call.append(allowance)
        return try Leased(ReplyReader(try await self.runner.run(call), of: Scripts.deliveryLease))
    }

    func settle(
        _ shard: Int, _ settlements: [Settlement], disableAfter: Duration = .zero,
        allowance: LeaseAllowance? = nil, lease: Duration = .zero
    ) async throws(StoreError) -> Settled {
        precondition(settlements.count <= StorageLimits.settlementsMax, "a script settles at most 500 attempts")
        guard !settlements.isEmpty else { return Settled(written: [], leased: nil) }
        let keys = self.keySpace.shards[shard]
        var call = self.runner.call(
            Scripts.deliverySettle,
            keys: [
                keys.pacing, keys.leases, keys.payloads, keys.readyProjects, keys.subscriptionHeaders,
                keys.waitingCounts, keys.payloadReferences,
                keys.attemptCounts, keys.begunAttempts, keys.turns, keys.payloadExpiries, keys.deliverySweeps,
            ])
        call.append(keys.prefix)
        call.append(self.limits.text)
        call.append(disableAfter.milliseconds)
        call.append(lease.milliseconds)
        call.append(StorageLimits.projectsOfCall)
        call.append(StorageLimits.subscriptionsPerProject)
        call.append(allowance ?? .none)
        for settlement in settlements { settlement.append(to: &call) }
        return try Settled(ReplyReader(try await self.runner.run(call), of: Scripts.deliverySettle), settlements.count)
    }

    func renew(
        _ shard: Int, _ tokens: [LeaseToken], lease: Duration
    ) async throws(StoreError) -> [LeaseToken?] {
        var renewed: [LeaseToken?] = []
        for chunk in tokens.chunks(of: StorageLimits.settlementsMax) {
            var call = self.runner.call(Scripts.deliveryRenew, keys: [self.keySpace.shards[shard].leases])
            call.append(lease.milliseconds)
            for token in chunk {
                call.append(token.member)
                call.append(token.leasedUntil.milliseconds)
            }
            var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.deliveryRenew)
            for token in chunk {
                let end = try reply.timestamp()
                renewed.append(end.milliseconds == 0 ? nil : token.renewed(until: end))
            }
        }
        return renewed
    }

    func begin(_ shard: Int, _ tokens: [LeaseToken]) async throws(StoreError) -> [Bool] {
        var answers: [Bool] = []
        let keys = self.keySpace.shards[shard]
        for chunk in tokens.chunks(of: StorageLimits.settlementsMax) {
            var call = self.runner.call(Scripts.deliveryBegin, keys: [keys.leases, keys.begunAttempts])
            for token in chunk {
                call.append(token.member)
                call.append(token.leasedUntil.milliseconds)
            }
            var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.deliveryBegin)
            for _ in chunk { answers.append(try reply.int() == 1) }
        }
        return answers
    }

    @discardableResult
    func wake(_ shard: Int, _ subscriptions: [SubscriptionID]) async throws(StoreError) -> Int {
        var woken = 0
        for chunk in subscriptions.chunks(of: StorageLimits.settlementsMax) {
            woken += try await self.unpark(chunk, in: shard, isSignalled: false)
        }
        return woken
    }

    func wake(_ queue: QueueAddress, subscription: SubscriptionID) async throws(StoreError) {
        _ = try await self.unpark([subscription], in: self.keySpace.number(of: queue), isSignalled: true)
    }

    /// - Parameter isSignalled: Whether other processes are to be woken.
    private func unpark(
        _ subscriptions: ArraySlice<SubscriptionID>, in shard: Int, isSignalled: Bool
    ) async throws(StoreError) -> Int {
        let keys = self.keySpace.shards[shard]
        var call = self.runner.call(
            Scripts.subscriptionUnpark,
            keys: [keys.pacing, keys.readyProjects, keys.subscriptionHeaders, keys.wakeup])
        call.append(keys.prefix)
        if isSignalled { call.append(shard) } else { call.append("") }
        for subscription in subscriptions { call.append(subscription.text) }
        guard let count = try await self.runner.run(call).int else {
            throw .corrupt("subscription_unpark.lua answered no number")
        }
        return count
    }

    func reap(_ shard: Int, limit: Int = 100) async throws(StoreError) -> Reaped {
        let keys = self.keySpace.shards[shard]
        let limit = min(limit, StorageLimits.settlementsMax)
        var call = self.runner.call(
            Scripts.deliveryReap,
            keys: [
                keys.pacing, keys.leases, keys.payloads, keys.payloadReferences, keys.readyProjects,
                keys.subscriptionHeaders, keys.attemptCounts,
                keys.begunAttempts, keys.turns, keys.payloadExpiries, keys.waitingCounts, keys.deliverySweeps,
            ])
        call.append(keys.prefix)
        call.append(self.limits.text)
        call.append(limit)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.deliveryReap)
        let lapsed = try reply.int()
        return Reaped(
            lapsed: lapsed, quarantined: try reply.int(), droppedDeadLetters: try reply.int(),
            keptOfEnded: try reply.int(),
            more: lapsed >= limit)
    }

    func deliveryID(subscription: SubscriptionID, position: Position) -> DeliveryID {
        self.tagger.deliveryID(subscription: subscription, position: position)
    }

    func deliveryID(subscription: SubscriptionID, positions: [Position]) -> DeliveryID {
        self.tagger.deliveryID(of: positions.map { self.deliveryID(subscription: subscription, position: $0) })
    }
}

extension Duration {
    /// Whole milliseconds.
    fileprivate var milliseconds: Int64 {
        self.components.seconds * 1000 + self.components.attoseconds / 1_000_000_000_000_000
    }
}

extension Array {
    func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: self.count, by: size).map { self[$0..<Swift.min($0 + size, self.count)] }
    }
}

extension LeaseToken {
    fileprivate func renewed(until end: Timestamp) -> LeaseToken {
        LeaseToken(
            subscription: self.subscription, position: self.position, attempt: self.attempt, fences: self.fences,
            suspicion: self.suspicion, leasedUntil: end)
    }
}

extension ScriptCall {
    fileprivate mutating func append(_ allowance: LeaseAllowance) {
        for argument in allowance.arguments { self.append(argument) }
    }
}

extension Settlement {
    fileprivate func append(to call: inout ScriptCall) {
        call.append(self.token.subscription.text)
        call.append(self.token.position.value)
        call.append(self.token.turn)
        call.append(self.token.leasedUntil.milliseconds)
        let (ending, detail, summary) =
            switch self.ending {
            case .delivered: ("d", "", "")
            case .retry(let delay): ("r", String(delay.milliseconds), "")
            case .deadLetter(let reason, let summary, let disabling): (disabling ? "g" : "x", reason.rawValue, summary)
            case .handedBack: ("h", "0", "")
            case .postponed(let delay): ("h", String(delay.milliseconds), "")
            case .parked(let delay): ("p", String(delay.milliseconds), "")
            case .collected(let delay): ("c", String(delay.milliseconds), "")
            case .dropped: ("n", "", "")
            case .ended: ("e", "", "")
            }
        call.append(self.isShared ? "\(ending)+" : ending)
        call.append(detail)
        call.append(summary)
        call.append(self.queue.key)
        call.append(self.report.map { AttemptEntry.bytes(of: $0, self.token) } ?? [])
    }
}

/// What keeps shards tidy and workers informed.
extension DeliveryStore {
    func status(of shards: [Int]) async throws(StoreError) -> [ShardStatus] {
        let calls = shards.map { shard in
            let keys = self.keySpace.shards[shard]
            var call = self.runner.call(
                Scripts.shardStatusGet,
                keys: [
                    keys.readyProjects, keys.leases, keys.fanoutProjects, keys.queueSweeps, keys.subscriptionExpiries,
                    keys.moves, keys.deliverySweeps,
                ])
            call.append(keys.prefix)
            return call
        }
        var statuses: [ShardStatus] = []
        for reply in try await self.runner.runAll(calls) {
            var reply = try ReplyReader(reply, of: Scripts.shardStatusGet)
            let now = try reply.timestamp()
            let (nextDue, oldestLease) = (try reply.timestampIfAny(), try reply.timestampIfAny())
            var sweeps = [try reply.timestampIfAny(), try reply.timestampIfAny(), try reply.timestampIfAny()]
                .compactMap { $0 }
            let events = try reply.int()
            if try reply.int() > 0 { sweeps.append(now) }
            statuses.append(
                ShardStatus(
                    now: now, nextDue: nextDue, oldestLease: oldestLease, nextSweep: sweeps.min(), events: events))
        }
        return statuses
    }

    func sweep(_ shard: Int, limit: Int = 200) async throws(StoreError) -> Swept {
        let keys = self.keySpace.shards[shard]
        var messages = self.runner.call(Scripts.messageSweep, keys: [keys.queueSweeps, keys.arrivals])
        var subscriptions = self.runner.call(
            Scripts.subscriptionSweep,
            keys: [
                keys.subscriptionExpiries, keys.subscriptions, keys.subscriptionHeaders, keys.pacing, keys.payloads,
                keys.payloadReferences,
                keys.attemptCounts, keys.turns, keys.payloadExpiries, keys.waitingCounts, keys.deliverySweeps,
                keys.expiredCounts, keys.deliverySweepMarks, keys.trusts, keys.endedTrusts,
            ])
        var waiting = self.runner.call(
            Scripts.deliverySweep,
            keys: [
                keys.deliverySweeps, keys.subscriptionHeaders, keys.payloads, keys.payloadReferences,
                keys.payloadExpiries, keys.waitingCounts, keys.turns,
                keys.expiredCounts, keys.deliverySweepMarks,
            ])
        messages.append(keys.prefix)
        messages.append(min(limit, StorageLimits.settlementsMax))
        subscriptions.append(keys.prefix)
        subscriptions.append(self.limits.text)
        subscriptions.append(min(limit, StorageLimits.settlementsMax))
        waiting.append(keys.prefix)
        waiting.append(self.limits.text)
        waiting.append(min(limit, StorageLimits.settlementsMax))
        let replies = try await self.runner.runAll([messages, subscriptions, waiting])
        var ofMessages = try ReplyReader(replies[0], of: Scripts.messageSweep)
        var ofSubscriptions = try ReplyReader(replies[1], of: Scripts.subscriptionSweep)
        var ofWaiting = try ReplyReader(replies[2], of: Scripts.deliverySweep)
        let (expired, droppedDeadLetters) = (try ofWaiting.int(), try ofWaiting.int())
        let moreWaiting = try ofWaiting.int() == 1
        let moreMoves = try await self.moves.finishSome(shard)
        let (messagesSwept, moreMessages) = (try ofMessages.int(), try ofMessages.int() == 1)
        let (deliveriesEnded, subscriptionsEnded) = (try ofSubscriptions.int(), try ofSubscriptions.int())
        let moreSubscriptions = try ofSubscriptions.int() == 1
        return Swept(
            messages: messagesSwept, deliveries: deliveriesEnded, keptOfEnded: try ofSubscriptions.int(),
            subscriptions: subscriptionsEnded, expired: expired,
            droppedDeadLetters: try ofSubscriptions.int() + droppedDeadLetters,
            more: moreSubscriptions || moreMessages || moreMoves || moreWaiting)
    }
}
