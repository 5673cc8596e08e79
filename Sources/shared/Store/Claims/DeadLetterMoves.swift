import Domain
import Redis

/// The way of messages from a queue that gave them up to its dead-letter queue.
///
/// ```
/// claim_create.lua: out of the source, into the shard's `moves`  ──►  message_arrive.lua: into the target  ──►  out of `moves`
/// ```
/// The two queues usually lie in different shards, so that no script can reach both. What a crash leaves in `moves` is
/// carried on by the sweep; a message that arrives twice is known by its mark and arrives once.
struct DeadLetterMoves: Sendable {
    /// Moves carried on by one step, few because each may hold a large message.
    private static let stepMax = 16

    let runner: ScriptRunner
    let keySpace: KeySpace
    let directory: QueueDirectory
    let ids: MessageIDs

    /// Carries on the moves of a shard between two entries of its stream, both included.
    func finish(_ shard: Int, from first: String, through last: String) async throws(StoreError) {
        var first = first
        while let end = try await self.step(shard, from: first, through: last) {
            first = "(" + end
        }
    }

    /// Carries on the oldest moves of a shard; returns whether there are more.
    func finishSome(_ shard: Int) async throws(StoreError) -> Bool {
        try await self.step(shard, from: "-", through: "+") != nil
    }

    /// - Returns: The last entry done; nil when there are no more.
    private func step(
        _ shard: Int, from first: String, through last: String
    ) async throws(StoreError) -> String? {
        var command = RedisCommand("XRANGE", arguments: 5)
        command.append(self.keySpace.shards[shard].moves)
        for argument in [first, last, "COUNT", String(Self.stepMax)] { command.append(argument) }
        var reply = try ReplyReader(try await self.runner.send(command), of: "XRANGE")
        var moves: [Move] = []
        while !reply.isAtEnd {
            var entry = try reply.reader()
            moves.append(try Move(entry: try entry.text(), try entry.reader(), shard: shard, self.ids))
        }
        guard let end = moves.last?.entry else { return nil }
        // In their order, one call for each stretch with the same target.
        var rest = moves[...]
        while let target = rest.first?.target {
            let stretch = rest.prefix { $0.target == target }
            try await self.arrive(stretch, at: target)
            rest = rest.dropFirst(stretch.count)
        }
        var delete = RedisCommand("XDEL", arguments: 1 + moves.count)
        delete.append(self.keySpace.shards[shard].moves)
        for move in moves { delete.append(move.entry) }
        _ = try await self.runner.send(delete)
        return moves.count == Self.stepMax ? end : nil
    }

    private func arrive(_ moves: ArraySlice<Move>, at target: QueueAddress) async throws(StoreError) {
        func attempt(creating: Bool) async throws(StoreError) -> Bool {
            let keys = self.keySpace.shard(of: target)
            let own = keys.queue(target)
            var call = self.runner.call(
                Scripts.messageArrive,
                keys: [
                    own.meta, own.log, own.expiries, keys.lastPosition, keys.queueSweeps, own.aliases,
                    own.aliasExpiries, keys.arrivals,
                    own.clientRuns, own.states, keys.usage(of: target.project),
                ])
            call.append(target.key)
            call.append(creating ? 1 : 0)
            for move in moves { move.append(to: &call) }
            return try await self.runner.write(call).int == 1
        }
        if try await attempt(creating: false) { return }
        // On this pool, whatever the pools are by now: the name was kept for it when the source was given its target.
        try await self.directory.registerCreated(target)
        guard try await attempt(creating: true) else {
            throw .corrupt("message_arrive.lua found no queue although it was to create it")
        }
        try await self.directory.registerCreated(target)
    }
}

/// A message between two queues; `claim_create.lua` writes it.
private struct Move {
    /// Its place in the stream.
    let entry: String
    let target: QueueAddress
    /// What tells it from every other move of the deployment: the position and the queue it comes from.
    private let mark: String
    private let id: MessageID
    private let createdAt: Timestamp
    private let ttl: Int
    private let expiresAt: Timestamp
    private let record: [UInt8]

    /// Reads the fields in the order in which `claim_create.lua` writes them, each behind its name.
    init(
        entry: String, _ fields: consuming ReplyReader, shard: Int, _ ids: MessageIDs
    ) throws(StoreError) {
        var fields = fields
        func skipName() throws(StoreError) { _ = try fields.bytes() }
        func queue() throws(StoreError) -> QueueAddress {
            guard let queue = QueueAddress(key: try fields.bytes()[...]) else { throw fields.unexpected("queue") }
            return queue
        }
        self.entry = entry
        try skipName()
        let source = try queue()
        try skipName()
        let position = try fields.position()
        try skipName()
        self.target = try queue()
        try skipName()
        self.ttl = try fields.int()
        try skipName()
        self.expiresAt = try fields.timestamp()
        try skipName()
        self.record = try fields.bytes()
        let record = try MessageRecord(self.record)
        self.mark = "\(position.value):\(source.key)"
        self.id = record.originID ?? ids.id(at: position, of: source)
        self.createdAt = record.createdAt(at: position)
    }

    func append(to call: inout ScriptCall) {
        call.append(self.mark)
        call.append(self.id.text)
        call.append(self.createdAt.milliseconds)
        call.append(self.ttl)
        call.append(self.expiresAt.milliseconds)
        call.append(self.record)
    }
}
