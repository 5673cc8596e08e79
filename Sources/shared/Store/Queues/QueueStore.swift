import Domain
import Redis

/// The queues of all projects.
struct QueueStore: QueueStorage {
    let runner: ScriptRunner
    let keySpace: KeySpace
    let directory: QueueDirectory
    let ids: MessageIDs

    func create(
        _ queue: QueueAddress, metadata: [UInt8], attributes: QueueAttributes
    ) async throws -> Bool {
        try await self.directory.register(queue)
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(Scripts.queueCreate, keys: [keys.meta(queue), keys.waited(queue)])
        self.append(metadata, attributes, of: queue, to: &call)
        guard try await self.runner.write(call).int == 1 else { return false }
        try await self.directory.registerCreated(queue)
        return true
    }

    func metadata(of queue: QueueAddress) async throws(StoreError) -> [UInt8]? {
        try await self.runner.send(self.metadataCommand(queue), of: queue).bytes
    }

    func delete(_ queue: QueueAddress) async throws(StoreError) {
        _ = try await self.drop(queue, ifEmpty: false)
    }

    func deleteIfEmpty(_ queue: QueueAddress) async throws(StoreError) -> Bool {
        try await self.drop(queue, ifEmpty: true)
    }

    private func drop(_ queue: QueueAddress, ifEmpty: Bool) async throws(StoreError) -> Bool {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.queueDelete,
            keys: keys.queue(queue).all + [
                keys.queueSweeps, keys.deadLetters(of: queue), keys.deadLetterEntries(of: queue),
                keys.deadLetterRecords(of: queue),
                keys.deadLetterBytes(of: queue.project), keys.deadLetterOldest(of: queue.project),
                keys.postKeys(of: queue), keys.postKeyExpiries(of: queue),
            ])
        call.append(queue.key)
        call.append(ifEmpty ? 1 : 0)
        guard try await self.runner.write(call).int != -1 else { return false }
        try await self.directory.unregister(queue)
        // A queue of this name that was created meanwhile must not stay without its line in the list.
        if try await self.metadata(of: queue) != nil { try await self.directory.registerCreated(queue) }
        return true
    }

    func metadata(of queues: [QueueAddress]) async throws(StoreError) -> [[UInt8]?] {
        var metadata: [[UInt8]?] = []
        for (queue, answer) in zip(queues, await self.runner.sendEach(queues.map { self.metadataCommand($0) })) {
            switch answer {
            case .failure(.closed): metadata.append(try await self.metadata(of: queue))
            case let answer: metadata.append(try answer.get().bytes)
            }
        }
        return metadata
    }

    private func metadataCommand(_ queue: QueueAddress) -> RedisCommand {
        var command = RedisCommand("HGET", arguments: 2)
        command.append(self.keySpace.shard(of: queue).meta(queue))
        command.append("metadata")
        return command
    }
}

extension QueueStore {
    func update(
        _ queue: QueueAddress, _ change: ([UInt8]) throws -> (metadata: [UInt8], attributes: QueueAttributes)?
    ) async throws -> [UInt8]? {
        var stored = try await self.metadata(of: queue)
        return try await Contention.retry { () async throws -> [UInt8]?? in
            guard let read = stored, let (metadata, attributes) = try change(read) else { return .some(nil) }
            var call = self.runner.call(Scripts.queueUpdate, keys: [self.keySpace.shard(of: queue).meta(queue)])
            call.append(read)
            self.append(metadata, attributes, of: queue, to: &call)
            switch try await self.runner.write(call) {
            case .integer(1): return metadata
            case let now:
                stored = now.bytes
                return nil
            }
        }
    }

    func traits(of queue: QueueAddress) async throws(StoreError) -> QueueTraits {
        var command = RedisCommand("HMGET", arguments: 3)
        command.append(self.keySpace.shard(of: queue).meta(queue))
        command.append("encrypting")
        command.append("durability")
        let fields = try await self.runner.send(command, of: queue).array ?? []
        guard fields.count == 2 else { throw .corrupt("two fields of a queue were not answered by two") }
        return QueueTraits(
            encryptsMessages: fields[0].text == "1", durability: fields[1].text.flatMap { Durability(initial: $0) })
    }

    /// What a queue is kept as, in the order in which `queue_create.lua` and `queue_update.lua` take it.
    func append(
        _ metadata: [UInt8], _ attributes: QueueAttributes, of queue: QueueAddress, to call: inout ScriptCall
    ) {
        call.append(metadata)
        let target = attributes.deadLetterQueue.map { QueueAddress(project: queue.project, name: $0).key }
        let numbers = [
            attributes.postBytesMax, attributes.messageTTLDefault, attributes.messageDelayDefault,
            attributes.claimCountMax, attributes.deadLetterTTL, attributes.encryptsMessages ? 1 : nil,
        ]
        for number in numbers { call.append(number.map { String($0) } ?? "") }
        call.append(target ?? "")
        call.append(attributes.retryPolicy?.record ?? "")
        call.append(attributes.digest.map(\.field) ?? "")
        call.append(attributes.durability?.initial ?? "")
    }
}

extension QueueStore {
    func stats(of queue: QueueAddress) async throws(StoreError) -> QueueStats {
        for _ in 0..<Self.statsRoundsMax {
            let call = self.runner.call(Scripts.queueStatsGet, keys: self.keySpace.shard(of: queue).queue(queue).all)
            var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.queueStatsGet)
            let isUnfinished = try reply.int() == 1
            if isUnfinished { continue }
            let now = try reply.timestamp()
            let (total, claimed) = (try reply.int(), try reply.int())
            return QueueStats(
                total: total, claimed: claimed, oldest: try self.edge(of: queue, in: &reply, now: now),
                newest: try self.edge(of: queue, in: &reply, now: now))
        }
        throw .overloaded
    }

    /// More than elsewhere: each removes a thousand expired messages that are in the way of the oldest or the newest.
    private static let statsRoundsMax = 1000

    private func edge(
        of queue: QueueAddress, in reply: inout ReplyReader, now: Timestamp
    ) throws(StoreError) -> QueueStats.Edge? {
        guard !reply.isAtEnd else { return nil }
        let position = try reply.position()
        let record = try MessageRecord(try reply.bytes())
        let created = record.createdAt(at: position)
        return QueueStats.Edge(
            id: record.originID ?? self.ids.id(at: position, of: queue), createdAt: created,
            age: now.wholeSeconds(since: created))
    }
}
