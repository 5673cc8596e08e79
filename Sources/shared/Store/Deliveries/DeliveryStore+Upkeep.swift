import Domain
import Redis

/// What keeps shards tidy and workers informed.
extension DeliveryStore {
    /// Sees at a glance what waits in each of the shards: lost wake-up signals, dead workers, due retries.
    package func look(at shards: [Int]) async throws(StoreError) -> [ShardLook] {
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
        var looks: [ShardLook] = []
        for reply in try await self.runner.runAll(calls) {
            var reply = try ReplyReader(reply, of: Scripts.shardStatusGet)
            let now = try reply.timestamp()
            let (nextDue, oldestLease) = (try reply.timestampIfAny(), try reply.timestampIfAny())
            var sweeps = [try reply.timestampIfAny(), try reply.timestampIfAny(), try reply.timestampIfAny()]
                .compactMap { $0 }
            let events = try reply.int()
            if try reply.int() > 0 { sweeps.append(now) }
            looks.append(
                ShardLook(
                    now: now, nextDue: nextDue, oldestLease: oldestLease, nextSweep: sweeps.min(), events: events))
        }
        return looks
    }

    /// Removes some of what has expired: messages and claims of queues, deliveries that wait, and ended subscriptions with
    /// what is still owed to them.
    ///
    /// Carries on what a crash left between a queue and its dead-letter queue.
    package func sweep(_ shard: Int, limit: Int = 200) async throws(StoreError) -> Swept {
        let keys = self.keySpace.shards[shard]
        var messages = self.runner.call(Scripts.messageSweep, keys: [keys.queueSweeps, keys.arrivals])
        var subscriptions = self.runner.call(
            Scripts.subscriptionSweep,
            keys: [
                keys.subscriptionExpiries, keys.subscriptions, keys.subscriptionHeaders, keys.pacing, keys.payloads,
                keys.payloadReferences,
                keys.attemptCounts, keys.turns, keys.payloadExpiries, keys.waitingCounts, keys.deliverySweeps,
                keys.expiredCounts, keys.deliverySweepMarks,
            ])
        var waiting = self.runner.call(
            Scripts.deliverySweep,
            keys: [
                keys.deliverySweeps, keys.subscriptionHeaders, keys.payloads, keys.payloadReferences,
                keys.payloadExpiries, keys.waitingCounts, keys.turns,
                keys.expiredCounts, keys.deliverySweepMarks,
            ])
        messages.append(keys.prefix)
        messages.append(min(limit, Self.settlementsMax))
        subscriptions.append(keys.prefix)
        subscriptions.append(min(limit, Self.settlementsMax))
        waiting.append(keys.prefix)
        waiting.append(self.limits.text)
        waiting.append(min(limit, Self.settlementsMax))
        let replies = try await self.runner.runAll([messages, subscriptions, waiting])
        var ofMessages = try ReplyReader(replies[0], of: Scripts.messageSweep)
        var ofSubscriptions = try ReplyReader(replies[1], of: Scripts.subscriptionSweep)
        var ofWaiting = try ReplyReader(replies[2], of: Scripts.deliverySweep)
        let (expired, droppedLetters) = (try ofWaiting.int(), try ofWaiting.int())
        let moreWaiting = try ofWaiting.int() == 1
        let moreMoves = try await self.moves.finishSome(shard)
        let (messagesSwept, moreMessages) = (try ofMessages.int(), try ofMessages.int() == 1)
        return Swept(
            messages: messagesSwept, deliveries: try ofSubscriptions.int(), subscriptions: try ofSubscriptions.int(),
            expired: expired, droppedLetters: droppedLetters,
            more: try ofSubscriptions.int() == 1 || moreMessages || moreMoves || moreWaiting)
    }
}
