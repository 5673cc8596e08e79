package import Domain
import Redis
import Signing

/// What is owed to subscriptions: events become deliveries, deliveries are leased for attempts, attempts are settled.
///
/// ```
///             take                  lease, settle                    settle
/// event ──────────────► leased   due ─────────────► leased ──────────────────────► delivered, dead letter, dropped
///           └─────────► due       ▲                   │  └► due again, later or at once
///                                 └───────────────────┘ reap: the lease lapsed
/// ```
/// Every step is one script, so a worker may die between any two of them.
package struct DeliveryStore: Sendable {
    /// Most leases of one call.
    package static let capacityMax = 1000
    /// Of how many projects, and how many subscriptions of each, one call leases.
    package static let projectsOfCall = 16
    package static let subscriptionsPerProject = 16
    /// Most settlements, or renewals, of one script.
    static let settlementsMax = 500

    let runner: ScriptRunner
    let keyring: Keyring
    let tagger: MessageTagger
    let moves: DeadLetterMoves

    /// How many shards there are; each is served on its own.
    package var shards: Int { self.keyring.shards.count }

    /// Fans out the oldest events of a shard, and leases what may be attempted at once.
    ///
    /// - Parameters:
    ///   - events: Most events of one call.
    ///   - capacity: Most leases wanted, up to ``capacityMax``. With 0 everything waits to be leased later.
    ///   - page: About how many deliveries one call makes, 1 through 1000, and as many again of a message that goes out in
    ///     pages. It bounds how long Redis is held.
    ///   - lease: How long the attempts are ours.
    ///   - confirmedOnly: Leaves out subscriptions that are not confirmed.
    package func take(
        _ shard: Int, events: Int = 16, capacity: Int, page: Int = 200, lease: Duration, confirmedOnly: Bool
    ) async throws(StoreError) -> Taken {
        precondition((1...1000).contains(page), "a page has 1 through 1000 deliveries")
        let keys = self.keyring.shards[shard]
        var call = self.runner.call(
            Scripts.take,
            keys: [
                keys.events, keys.mark, keys.flow, keys.flying, keys.payloads, keys.references, keys.projects,
                keys.headers,
            ])
        call.append(keys.prefix)
        call.append(events)
        call.append(min(max(capacity, 0), Self.capacityMax))
        call.append(page)
        call.append(lease.milliseconds)
        call.append(confirmedOnly ? 1 : 0)
        return try Taken(ReplyReader(try await self.runner.run(call), of: Scripts.take))
    }

    /// Leases deliveries that waited and are due, the project served longest ago first.
    package func lease(
        _ shard: Int, capacity: Int, lease: Duration, projects: Int = Self.projectsOfCall,
        subscriptionsPerProject: Int = Self.subscriptionsPerProject
    ) async throws(StoreError) -> Leased {
        let keys = self.keyring.shards[shard]
        var call = self.runner.call(
            Scripts.lease, keys: [keys.flow, keys.flying, keys.payloads, keys.projects, keys.headers])
        call.append(keys.prefix)
        call.append(min(max(capacity, 0), Self.capacityMax))
        call.append(lease.milliseconds)
        call.append(projects)
        call.append(subscriptionsPerProject)
        return try Leased(ReplyReader(try await self.runner.run(call), of: Scripts.lease))
    }

    /// Writes down how attempts ended, and leases what may follow them, in one step.
    ///
    /// - Parameters:
    ///   - settlements: At most 500.
    ///   - disableAfter: How long nothing but failures may come of a subscription until nothing is sent to it any more;
    ///     zero: for ever.
    ///   - capacity: Most leases wanted, up to ``capacityMax``.
    ///   - lease: How long those attempts are ours.
    package func settle(
        _ shard: Int, _ settlements: [Settlement], disableAfter: Duration = .zero, capacity: Int = 0,
        lease: Duration = .zero
    ) async throws(StoreError) -> Settled {
        precondition(settlements.count <= Self.settlementsMax, "a script settles at most 500 attempts")
        guard !settlements.isEmpty else { return Settled(written: [], leased: nil) }
        let keys = self.keyring.shards[shard]
        var call = self.runner.call(
            Scripts.settle,
            keys: [
                keys.flow, keys.flying, keys.payloads, keys.projects, keys.headers, keys.references, keys.attempts,
            ])
        call.append(keys.prefix)
        call.append(disableAfter.milliseconds)
        call.append(min(max(capacity, 0), Self.capacityMax))
        call.append(lease.milliseconds)
        call.append(Self.projectsOfCall)
        call.append(Self.subscriptionsPerProject)
        for settlement in settlements { settlement.append(to: &call) }
        return try Settled(ReplyReader(try await self.runner.run(call), of: Scripts.settle), settlements.count)
    }

    /// Extends leases whose attempts still run.
    ///
    /// - Returns: For each the token that proves it from now on; nil: the lease is lost, another worker may have it.
    package func renew(
        _ shard: Int, _ tokens: [LeaseToken], lease: Duration
    ) async throws(StoreError) -> [LeaseToken?] {
        var renewed: [LeaseToken?] = []
        for chunk in tokens.chunks(of: Self.settlementsMax) {
            var call = self.runner.call(Scripts.renew, keys: [self.keyring.shards[shard].flying])
            call.append(lease.milliseconds)
            for token in chunk {
                call.append("\(token.subscription.text)|\(token.position.value):\(token.turn)")
                call.append(token.leasedUntil.milliseconds)
            }
            var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.renew)
            for token in chunk {
                let end = try reply.timestamp()
                renewed.append(end.milliseconds == 0 ? nil : token.renewed(until: end))
            }
        }
        return renewed
    }

    /// Makes the deliveries of lapsed leases due again, as their next attempt.
    ///
    /// One that lapsed three times may be what took its workers down: it becomes a dead letter.
    ///
    /// - Parameter limit: Up to 500.
    /// - Returns: How many had lapsed; as many as `limit` means there may be more.
    package func reap(_ shard: Int, limit: Int = 100) async throws(StoreError) -> Int {
        let keys = self.keyring.shards[shard]
        var call = self.runner.call(
            Scripts.reap,
            keys: [
                keys.flow, keys.flying, keys.payloads, keys.references, keys.projects, keys.headers, keys.attempts,
            ])
        call.append(keys.prefix)
        call.append(min(limit, Self.settlementsMax))
        guard let lapsed = try await self.runner.run(call).int else { throw .corrupt("reap.lua answered no number") }
        return lapsed
    }

    /// The id of a delivery, the same over all its attempts.
    package func deliveryID(subscription: SubscriptionID, position: Position) -> DeliveryID {
        self.tagger.deliveryID(subscription: subscription, position: position)
    }
}

extension Duration {
    /// Whole milliseconds.
    fileprivate var milliseconds: Int64 {
        self.components.seconds * 1000 + self.components.attoseconds / 1_000_000_000_000_000
    }
}

extension Array {
    fileprivate func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: self.count, by: size).map { self[$0..<Swift.min($0 + size, self.count)] }
    }
}

extension LeaseToken {
    fileprivate func renewed(until end: Timestamp) -> LeaseToken {
        LeaseToken(
            subscription: self.subscription, position: self.position, attempt: self.attempt, lapses: self.lapses,
            leasedUntil: end)
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
            case .dropped: ("n", "", "")
            }
        call.append(ending)
        call.append(detail)
        call.append(summary)
        call.append(self.queue.key)
        call.append(self.report.map { AttemptEntry.bytes(of: $0, self.token) } ?? [])
    }
}
