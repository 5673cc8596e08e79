import Cryptography
import Domain
import Redis

/// The subscriptions of queues.
///
/// They outlive their queue, and an expired one is gone at once for every reader.
struct SubscriptionStore: SubscriptionStorage {
    let runner: ScriptRunner
    let keySpace: KeySpace
    let directory: QueueDirectory
    let limits: DeliveryLimits

    func create(
        _ queue: QueueAddress, subscriber: Subscriber, ttl: Int, options: [UInt8], pace: Pace, trust: TrustID?,
        atLimit max: Int?
    ) async throws -> (id: SubscriptionID, outcome: SubscribeOutcome) {
        let random = Base32.encode(SecureRandom.bytes(10)[...])
        func attempt(creating: Bool) async throws -> (id: SubscriptionID, outcome: SubscribeOutcome)? {
            let keys = self.keySpace.shard(of: queue)
            var call = self.runner.call(
                Scripts.subscriptionCreate,
                keys: [
                    keys.meta(queue), keys.lastPosition, keys.subscriptions, keys.subscriptionHeaders,
                    keys.subscriptionOrder(queue),
                    keys.subscriberAddresses(queue), keys.subscriptionExpiries, keys.usage(of: queue.project),
                    keys.trusts, keys.endedTrusts,
                ])
            call.append(creating ? 1 : 0)
            call.append(queue.key)
            call.append(random)
            call.append(subscriber.uri)
            call.append(ttl)
            call.append(options)
            call.append(pace.field)
            call.append(max == nil ? 0 : 1)
            call.append(trust?.text ?? "")
            var reply = try ReplyReader(try await self.runner.write(call), of: Scripts.subscriptionCreate)
            switch try reply.text() {
            case "created": return (try reply.subscriptionID(), .created)
            case "exists": return (try reply.subscriptionID(), .exists(confirmed: try reply.int() == 1))
            case "absent": return nil
            case "full": throw Refusal.limitReached(.subscriptions, max: max ?? 0)
            case let answer: throw StoreError.corrupt("subscription_create.lua answered \(answer)")
            }
        }
        if let found = try await attempt(creating: false) { return found }
        try await self.directory.register(queue)
        guard let made = try await attempt(creating: true) else {
            throw StoreError.corrupt("subscription_create.lua found no queue although it was to create it")
        }
        try await self.directory.registerCreated(queue)
        return made
    }

    func list(
        _ queue: QueueAddress, after: SubscriptionID?, limit: Int
    ) async throws(StoreError) -> [Subscription] {
        let keys = self.keySpace.shard(of: queue)
        var behind = after.map { String($0.position.value) } ?? "0"
        var subscriptions: [Subscription] = []
        for _ in 0..<ScriptRunner.roundsMax {
            var call = self.runner.call(
                Scripts.subscriptionList,
                keys: [keys.subscriptions, keys.subscriptionHeaders, keys.subscriptionOrder(queue)])
            call.append(behind)
            call.append(limit - subscriptions.count)
            var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.subscriptionList)
            let now = try reply.timestamp()
            behind = try reply.text()
            while !reply.isAtEnd {
                subscriptions.append(
                    try Subscription(
                        id: try reply.subscriptionID(), header: try reply.bytes(), record: try reply.bytes(), now: now))
            }
            if behind.isEmpty { return subscriptions }
        }
        throw .overloaded
    }

    func get(_ queue: QueueAddress, id: SubscriptionID) async throws(StoreError) -> Subscription? {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.subscriptionGet,
            keys: [keys.subscriptions, keys.subscriptionHeaders, keys.subscriptionOrder(queue)])
        call.append(id.text)
        call.append(queue.key)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.subscriptionGet)
        let now = try reply.timestamp()
        guard !reply.isAtEnd else { return nil }
        return try Subscription(id: id, header: try reply.bytes(), record: try reply.bytes(), now: now)
    }

    func find(
        _ subscriber: Subscriber, of queue: QueueAddress
    ) async throws(StoreError) -> (id: SubscriptionID, confirmed: Bool)? {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.subscriptionFind, keys: [keys.subscriberAddresses(queue), keys.subscriptionHeaders])
        call.append(subscriber.uri)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.subscriptionFind)
        return reply.isAtEnd ? nil : (try reply.subscriptionID(), try reply.int() == 1)
    }

    func read(
        _ ids: [SubscriptionID], in shard: Int, orEnded: Bool
    ) async throws(StoreError) -> SubscriptionsRead {
        let keys = self.keySpace.shards[shard]
        var calls: [ScriptCall] = []
        for start in stride(from: 0, to: ids.count, by: Self.readMax) {
            var call = self.runner.call(Scripts.recipientList, keys: [keys.subscriptions, keys.subscriptionHeaders])
            call.append(orEnded ? 1 : 0)
            for id in ids[start..<min(start + Self.readMax, ids.count)] { call.append(id.text) }
            calls.append(call)
        }
        var read = SubscriptionsRead()
        var rest = ids[...]
        for reply in try await self.runner.runAll(calls) {
            var reply = try ReplyReader(reply, of: Scripts.recipientList)
            let now = try reply.timestamp()
            for id in rest.prefix(Self.readMax) {
                let (header, record) = (try reply.bytes(), try reply.bytes())
                guard !header.isEmpty else { continue }
                do throws(StoreError) {
                    read.subscriptions[id] = try Subscription(id: id, header: header, record: record, now: now)
                } catch {
                    read.unreadable.append(id)
                }
            }
            rest = rest.dropFirst(Self.readMax)
        }
        return read
    }

    func find(_ id: SubscriptionID) async throws(StoreError) -> (queue: QueueAddress, subscription: Subscription)? {
        let calls = self.keySpace.shards.map { keys in
            var call = self.runner.call(Scripts.recipientList, keys: [keys.subscriptions, keys.subscriptionHeaders])
            call.append(0)
            call.append(id.text)
            return call
        }
        for reply in try await self.runner.runAll(calls) {
            var reply = try ReplyReader(reply, of: Scripts.recipientList)
            let (now, header, record) = (try reply.timestamp(), try reply.bytes(), try reply.bytes())
            guard !header.isEmpty else { continue }
            let subscription = try Subscription(id: id, header: header, record: record, now: now)
            return (try SubscriptionHeader(header).queue, subscription)
        }
        return nil
    }

    /// Subscriptions of one reading: options may be large.
    private static let readMax = 64

    func delete(_ queue: QueueAddress, id: SubscriptionID) async throws(StoreError) {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.subscriptionDelete,
            keys: Self.recordKeys(of: queue, keys) + [keys.usage(of: queue.project)])
        call.append(id.text)
        call.append(queue.key)
        _ = try await self.runner.write(call)
    }
}

extension SubscriptionID {
    /// When it was created, in the order of its shard: the first eleven characters.
    var position: Position {
        Position(Int64(truncatingIfNeeded: Base32.decode(self.text.utf8.prefix(11)) ?? 0))
    }
}

extension SubscriptionStore {
    func update(
        _ queue: QueueAddress, id: SubscriptionID, _ change: SubscriptionChange, resettingConfirmation: Bool
    ) async throws(StoreError) -> SubscriptionUpdate {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.subscriptionUpdate,
            keys: Self.recordKeys(of: queue, keys) + [keys.trusts, keys.endedTrusts])
        call.append(id.text)
        call.append(queue.key)
        call.append(change.subscriber?.uri ?? "")
        call.append(change.ttl.map { String($0) } ?? "")
        call.append(change.options ?? [])
        call.append(resettingConfirmation ? 1 : 0)
        call.append(change.pace?.field ?? "")
        call.append(change.version.map { String($0) } ?? "")
        switch change.trust {
        case .stays: call.append("")
        case .made(let trust): call.append(trust.text)
        case .ends: call.append("-")
        }
        switch try await self.runner.write(call).text {
        case "updated": return .updated
        case "absent": return .absent
        case "taken": return .taken
        case "changed": return .changed
        case let answer: throw .corrupt("subscription_update.lua answered \(answer ?? "no text")")
        }
    }

    func confirm(
        _ queue: QueueAddress, id: SubscriptionID, _ confirmed: Bool, linkExpiry: Int64?, address: String?
    ) async throws(StoreError) -> Bool {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.subscriptionConfirm,
            keys: [keys.subscriptionHeaders, keys.subscriptions, keys.subscriptionOrder(queue)])
        call.append(id.text)
        call.append(queue.key)
        call.append(confirmed ? 1 : 0)
        call.append(linkExpiry.map { String($0) } ?? "")
        call.append(address ?? "")
        return try await self.runner.write(call).int == 1
    }

    func purge(_ queue: QueueAddress) async throws(StoreError) {
        let keys = self.keySpace.shard(of: queue)
        for _ in 0..<Self.purgesMax {
            var call = self.runner.call(
                Scripts.subscriptionDeleteSome,
                keys: Self.recordKeys(of: queue, keys) + [keys.usage(of: queue.project)])
            call.append(Self.purgeStep)
            guard let more = try await self.runner.write(call).int else {
                throw .corrupt("subscription_delete_some.lua answered no number")
            }
            if more == 0 { return }
        }
        throw .overloaded
    }

    /// Subscriptions ended by one script, and scripts of one purge: 2,500,000 subscriptions in all.
    private static let purgeStep = 250
    private static let purgesMax = 10_000

    /// What a script takes that changes or ends subscriptions of a queue.
    private static func recordKeys(of queue: QueueAddress, _ keys: ShardKeys) -> [RedisKey] {
        [
            keys.subscriptions, keys.subscriptionHeaders, keys.subscriptionOrder(queue),
            keys.subscriberAddresses(queue), keys.subscriptionExpiries,
        ]
    }
}

extension SubscriptionStore {
    func rotateSecret(
        _ queue: QueueAddress, id: SubscriptionID, overlap: Int
    ) async throws(StoreError) -> SecretVersions? {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.secretRotate,
            keys: [keys.subscriptions, keys.subscriptionHeaders, keys.subscriptionOrder(queue)])
        call.append(id.text)
        call.append(queue.key)
        call.append(overlap * 1000)
        var reply = try ReplyReader(try await self.runner.write(call), of: Scripts.secretRotate)
        guard !reply.isAtEnd else { return nil }
        return SecretVersions(current: try reply.int(), previousUntil: try reply.timestampIfAny())
    }
}
