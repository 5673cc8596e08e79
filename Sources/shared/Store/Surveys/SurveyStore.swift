import Domain
import Redis

/// Collections are hashes and sorted sets of a shard, which `HSCAN` and `ZSCAN` read in batches.
struct SurveyStore: SurveyStorage {
    /// Members that Redis is asked for at once; it gives all of up to some hundred that it keeps in one list.
    private static let batchCount = 100

    private let runner: ScriptRunner
    private let keySpace: KeySpace

    init(runner: ScriptRunner, keySpace: KeySpace) {
        self.runner = runner
        self.keySpace = keySpace
    }

    func counts(of collection: SurveyedCollection) async throws(StoreError) -> [Int] {
        let replies = try await self.runner.sendAll(
            self.keySpace.shards.map { keys in
                let (key, form) = Self.key(of: collection, keys)
                var command =
                    switch form {
                    case .hash: RedisCommand("HLEN", arguments: 1)
                    case .sortedSet: RedisCommand("ZCARD", arguments: 1)
                    }
                command.append(key)
                return command
            })
        var counts: [Int] = []
        for reply in replies {
            guard let count = reply.int else { throw .corrupt("a collection answered no number of members") }
            counts.append(count)
        }
        return counts
    }

    func batch(
        of collection: SurveyedCollection, in shard: Int, at cursor: UInt64
    ) async throws(StoreError) -> ScanBatch {
        let (key, form) = Self.key(of: collection, self.keySpace.shards[shard])
        var command =
            switch form {
            case .hash: RedisCommand("HSCAN", arguments: 4)
            case .sortedSet: RedisCommand("ZSCAN", arguments: 4)
            }
        command.append(key)
        command.append(String(cursor))
        command.append("COUNT")
        command.append(Self.batchCount)
        var reply = try ReplyReader(try await self.runner.send(command), of: "a scan")
        guard let next = UInt64(try reply.text()) else { throw reply.unexpected("cursor") }
        var pairs = try reply.reader()
        var members: [String] = []
        while !pairs.isAtEnd {
            let member = try pairs.text()
            _ = try pairs.next()
            // The sum of a hold has no name, and a look of the sweep that is half way has a sign in front of one.
            if !member.isEmpty { members.append(collection == .waiting ? String(member.trimmingPrefix(">")) : member) }
        }
        return ScanBatch(members: members, next: next)
    }

    private enum Form { case hash, sortedSet }

    private static func key(of collection: SurveyedCollection, _ keys: ShardKeys) -> (RedisKey, Form) {
        switch collection {
        case .open: (keys.heldSubscriptions("breaker"), .hash)
        case .disabled: (keys.heldSubscriptions("disabled"), .hash)
        case .paused: (keys.heldSubscriptions("paused"), .hash)
        case .waiting: (keys.deliverySweeps, .sortedSet)
        case .subscriptions: (keys.subscriptionHeaders, .hash)
        case .holding: (keys.queueSweeps, .sortedSet)
        }
    }

    func subscriptions(
        of queue: QueueAddress, after: SubscriptionID?, limit: Int
    ) async throws(StoreError) -> (shard: Int, ids: [SubscriptionID]) {
        var command = RedisCommand("ZRANGEBYSCORE", arguments: 6)
        command.append(self.keySpace.shard(of: queue).subscriptionOrder(queue))
        command.append(after.map { "(\($0.position.value)" } ?? "-inf")
        for argument in ["+inf", "LIMIT", "0", String(limit)] { command.append(argument) }
        var reply = try ReplyReader(try await self.runner.send(command), of: "ZRANGEBYSCORE")
        var ids: [SubscriptionID] = []
        while !reply.isAtEnd { ids.append(try reply.subscriptionID()) }
        return (self.keySpace.number(of: queue), ids)
    }

    func subscriptions(
        _ ids: [SubscriptionID], in shard: Int
    ) async throws(StoreError) -> [SurveyedSubscription] {
        precondition(ids.count <= StorageLimits.surveyedMax, "a survey looks at \(StorageLimits.surveyedMax) at once")
        guard !ids.isEmpty else { return [] }
        let keys = self.keySpace.shards[shard]
        var call = self.runner.call(
            Scripts.subscriptionSurvey,
            keys: [
                keys.subscriptions, keys.subscriptionHeaders, keys.pacing, keys.attemptCounts, keys.expiredCounts,
            ])
        call.append(keys.prefix)
        for id in ids { call.append(id.text) }
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.subscriptionSurvey)
        var found: [SurveyedSubscription] = []
        while !reply.isAtEnd {
            var row = try reply.reader()
            do throws(StoreError) {
                let (id, subscriber) = (try row.subscriptionID(), try row.text())
                let (queue, health) = try SubscriptionHealth.read(try row.reader())
                found.append(SurveyedSubscription(id: id, queue: queue, subscriber: subscriber, health: health))
            } catch {
                // One that a newer version has written must not hide the others.
                continue
            }
        }
        return found
    }

    func queues(_ queues: [QueueAddress]) async throws(StoreError) -> [SurveyedQueue?] {
        let replies = try await self.runner.runAll(
            queues.map { queue in
                let keys = self.keySpace.shard(of: queue)
                return self.runner.call(
                    Scripts.queueSurvey,
                    keys: keys.queue(queue).all + [
                        keys.subscriptionOrder(queue), keys.events(of: queue), keys.deadLetters(of: queue),
                    ])
            })
        var found: [SurveyedQueue?] = []
        for (queue, reply) in zip(queues, replies) {
            var reply = try ReplyReader(reply, of: Scripts.queueSurvey)
            guard !reply.isAtEnd else {
                found.append(nil)
                continue
            }
            let now = try reply.timestamp()
            let (messages, claimed) = (try reply.int(), try reply.int())
            let oldest = try reply.timestampIfAny()
            found.append(
                SurveyedQueue(
                    queue: queue, messages: messages, claimed: claimed,
                    oldestAge: oldest.map { now.wholeSeconds(since: $0) }, bytes: try reply.int(),
                    subscriptions: try reply.int(), events: try reply.int(), deadLetters: try reply.int()))
        }
        return found
    }
}

extension Store {
    /// A look at subscriptions and queues of all projects.
    package var surveys: any SurveyStorage { SurveyStore(runner: self.runner, keySpace: self.keySpace) }
}
