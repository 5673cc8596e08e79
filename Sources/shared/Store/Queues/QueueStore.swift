package import Domain
import Redis

/// The queues of all projects.
package struct QueueStore: Sendable {
    let runner: ScriptRunner
    let keySpace: KeySpace
    let directory: QueueDirectory
    let ids: MessageIDs

    /// Creates a queue, unless it exists.
    ///
    /// - Parameters:
    ///   - metadata: The JSON object as the caller wrote it.
    ///   - attributes: What the store has to know of it.
    /// - Returns: Whether the queue was created. One that exists keeps its metadata.
    package func create(
        _ queue: QueueAddress, metadata: [UInt8], attributes: QueueAttributes
    ) async throws(StoreError) -> Bool {
        try await self.directory.register(queue)
        var call = self.runner.call(Scripts.queueCreate, keys: [self.keySpace.shard(of: queue).meta(queue)])
        self.append(metadata, attributes, of: queue, to: &call)
        guard try await self.runner.run(call).int == 1 else { return false }
        try await self.directory.registerCreated(queue)
        return true
    }

    /// The JSON object as it was put, `{}` for a queue that came about by a post; nil when there is no such queue.
    package func metadata(of queue: QueueAddress) async throws(StoreError) -> [UInt8]? {
        try await self.runner.send(self.metadataCommand(queue)).bytes
    }

    /// Ends a queue with its messages, claims and metadata, also one that does not exist.
    ///
    /// Its subscriptions live on.
    package func delete(_ queue: QueueAddress) async throws(StoreError) {
        _ = try await self.drop(queue, ifEmpty: false)
    }

    /// Ends a queue that holds no message.
    ///
    /// - Returns: false when it holds some, expired ones included: nothing was changed.
    package func deleteIfEmpty(_ queue: QueueAddress) async throws(StoreError) -> Bool {
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
            ])
        call.append(queue.key)
        call.append(ifEmpty ? 1 : 0)
        guard try await self.runner.run(call).int != -1 else { return false }
        try await self.directory.unregister(queue)
        // A queue of this name that was created meanwhile must not stay without its line in the list.
        if try await self.metadata(of: queue) != nil { try await self.directory.registerCreated(queue) }
        return true
    }

    /// Queues of a project in byte order of their names, behind `after`; `limit` of them unless the list ends before.
    package func list(
        of project: ProjectID, after: String?, limit: Int
    ) async throws(StoreError) -> [QueueListing] {
        try await self.list(of: project, after: after, limit: limit) {
            (queues: [QueueAddress]) async throws(StoreError) -> [[UInt8]?] in
            try await self.metadata(of: queues)
        }
    }

    /// The same, with queues that live on several stores.
    ///
    /// - Parameter metadata: Of these queues, in their order; nil for one that is not there.
    package func list(
        of project: ProjectID, after: String?, limit: Int,
        reading metadata: ([QueueAddress]) async throws(StoreError) -> [[UInt8]?]
    ) async throws(StoreError) -> [QueueListing] {
        var listings: [QueueListing] = []
        var behind = after
        for _ in 0..<ScriptRunner.roundsMax {
            let wanted = limit - listings.count
            let names = try await self.directory.page(of: project, after: behind, limit: wanted)
            let found = try await metadata(names.map { QueueAddress(project: project, name: $0) })
            for (name, metadata) in zip(names, found) {
                if let metadata { listings.append(QueueListing(name: name, metadata: metadata)) }
            }
            if names.count < wanted || listings.count == limit { return listings }
            behind = names.last?.text
        }
        throw .overloaded
    }

    /// The metadata of queues that live here, in their order; nil for one that is not there.
    package func metadata(of queues: [QueueAddress]) async throws(StoreError) -> [[UInt8]?] {
        try await self.runner.sendAll(queues.map { self.metadataCommand($0) }).map(\.bytes)
    }

    /// How many queues a project has.
    ///
    /// While one is being created or deleted it may count already, or still.
    package func count(of project: ProjectID) async throws(StoreError) -> Int {
        try await self.directory.count(of: project)
    }

    private func metadataCommand(_ queue: QueueAddress) -> RedisCommand {
        var command = RedisCommand("HGET", arguments: 2)
        command.append(self.keySpace.shard(of: queue).meta(queue))
        command.append("metadata")
        return command
    }
}

extension QueueStore {
    /// Replaces the metadata of a queue by what `change` makes of it; no other change is lost.
    ///
    /// - Parameter change: Gets the stored JSON object, returns the new one and what the store has to know of it. It is
    ///   called again when the metadata changed meanwhile, so it must not remember. What it throws is thrown, and
    ///   nothing was changed.
    /// - Returns: The new metadata; nil when there is no such queue.
    /// - Throws: ``StoreError/contended`` when others change the metadata faster, ``Contention/triesMax`` times.
    package func update(
        _ queue: QueueAddress, _ change: ([UInt8]) throws -> (metadata: [UInt8], attributes: QueueAttributes)
    ) async throws -> [UInt8]? {
        var stored = try await self.metadata(of: queue)
        return try await Contention.retry { () async throws -> [UInt8]?? in
            guard let read = stored else { return .some(nil) }
            let (metadata, attributes) = try change(read)
            var call = self.runner.call(Scripts.queueUpdate, keys: [self.keySpace.shard(of: queue).meta(queue)])
            call.append(read)
            self.append(metadata, attributes, of: queue, to: &call)
            switch try await self.runner.run(call) {
            case .integer(1): return metadata
            case let now:
                stored = now.bytes
                return nil
            }
        }
    }

    /// Whether bodies posted to the queue shall be encrypted; false when there is no such queue.
    package func encryptsMessages(_ queue: QueueAddress) async throws(StoreError) -> Bool {
        var command = RedisCommand("HGET", arguments: 2)
        command.append(self.keySpace.shard(of: queue).meta(queue))
        command.append("encrypting")
        return try await self.runner.send(command).text == "1"
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
    }
}

extension QueueStore {
    /// Counts the messages of a queue, and finds the oldest and the newest; zero for a queue that does not exist.
    package func stats(of queue: QueueAddress) async throws(StoreError) -> QueueStats {
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
