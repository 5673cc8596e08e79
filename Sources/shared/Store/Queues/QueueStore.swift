package import Domain
import Redis

/// The queues of all projects.
package struct QueueStore: Sendable {
    let runner: ScriptRunner
    let keySpace: KeySpace
    let register: QueueRegister
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
        try await self.register.add(queue)
        var call = self.runner.call(Scripts.queueCreate, keys: [self.keySpace.shard(of: queue).meta(queue)])
        self.append(metadata, attributes, of: queue, to: &call)
        guard try await self.runner.run(call).int == 1 else { return false }
        try await self.register.keep(queue)
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
        try await self.register.remove(queue)
        // A queue of this name that was created meanwhile must not stay without its line in the list.
        if try await self.metadata(of: queue) != nil { try await self.register.keep(queue) }
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
            let names = try await self.register.page(of: project, after: behind, limit: wanted)
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
        try await self.register.count(of: project)
    }

    private func metadataCommand(_ queue: QueueAddress) -> RedisCommand {
        var command = RedisCommand("HGET", arguments: 2)
        command.append(self.keySpace.shard(of: queue).meta(queue))
        command.append("metadata")
        return command
    }
}
