package import Domain
import Redis

extension QueueStore {
    /// Replaces the metadata of a queue by what `change` makes of it; nobody else's change is lost.
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
