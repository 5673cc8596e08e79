package import Domain
package import Logging
package import Redis
import Signing

/// What Herald keeps, and how: the one room that knows keys and scripts.
///
/// Everything in it is a value over one Redis, aside from the register of queues, which is the control store's. It is a class
/// only so that handing it on, several times a request, copies one reference.
package final class Store: Sendable {
    package let queues: QueueStore
    package let messages: MessageStore
    package let claims: ClaimStore
    package let subscriptions: SubscriptionStore
    package let deliveries: DeliveryStore
    package let wakeups: WakeupSignals
    /// The pools, where this is the control store.
    package let pools: PoolRegistry
    /// The topics, where this is the control store.
    package let topics: TopicStore
    /// The times of confirmations, where this is the control store.
    package let questions: ConfirmationSchedule
    /// The suppressed mail addresses, where this is the control store.
    package let suppressions: SuppressionStore
    /// The format of what the store keeps, as it was opened: what is written here is of this format.
    package let format: Int
    /// Those that this process understands.
    package let formats: ClosedRange<Int>
    let runner: ScriptRunner
    private let keySpace: KeySpace
    private let tagger: MessageTagger

    init(
        runner: ScriptRunner, keySpace: KeySpace, tagger: MessageTagger, register: QueueRegister,
        limits: DeliveryLimits,
        format: Int, formats: ClosedRange<Int>
    ) {
        let ids = MessageIDs(tagger: tagger)
        let moves = DeadLetterMoves(runner: runner, keySpace: keySpace, register: register, ids: ids)
        self.runner = runner
        self.keySpace = keySpace
        self.format = format
        self.formats = formats
        self.tagger = tagger
        self.queues = QueueStore(runner: runner, keySpace: keySpace, register: register, ids: ids)
        self.messages = MessageStore(runner: runner, keySpace: keySpace, register: register, ids: ids)
        self.claims = ClaimStore(runner: runner, keySpace: keySpace, ids: ids, moves: moves)
        self.subscriptions = SubscriptionStore(
            runner: runner, keySpace: keySpace, register: register, limits: limits)
        self.deliveries = DeliveryStore(
            runner: runner, keySpace: keySpace, tagger: tagger, moves: moves, limits: limits)
        self.wakeups = WakeupSignals(keySpace: keySpace)
        self.pools = PoolRegistry(runner: runner)
        self.topics = TopicStore(runner: runner)
        self.questions = ConfirmationSchedule(runner: runner)
        self.suppressions = SuppressionStore(runner: runner)
    }

    /// The same store, entering its queues in the register of another.
    ///
    /// - Parameters:
    ///   - control: Keeps the register; it may be this store itself.
    ///   - homes: The pools this store is, nil for the default one; without any it enters no queue.
    ///   - version: The version of the pools by which a queue that lives nowhere may be made here; nil: by any.
    package func entering(in control: Store, as homes: [PoolName?], by version: PoolVersion?) -> Store {
        Store(
            runner: self.runner, keySpace: self.keySpace, tagger: self.tagger,
            register: QueueRegister(runner: control.runner, homes: homes, version: version),
            limits: self.deliveries.limits, format: self.format, formats: self.formats)
    }

    /// Opens the store in another Redis the way this one was: with as many shards, its clock, and its format where it is new.
    ///
    /// It enters no queue until ``entering(in:as:by:)``.
    package func open(on pool: RedisPool, logger: Logger) async throws(StoreOpeningError) -> Store {
        try await Store.open(
            on: pool, shards: self.keySpace.shards.count, clock: self.runner.clock, limits: self.deliveries.limits,
            formats: self.formats, newFormat: self.format, logger: logger
        )
        .entering(in: self, as: [], by: nil)
    }

    /// Learns whether Redis answers.
    package func ping() async throws(StoreError) {
        _ = try await self.runner.send(RedisCommand("PING"))
    }

    /// Whether the store that was opened is still there, as far as is known: false once its Redis was found empty, or to
    /// be another one.
    package var isCurrent: Bool { self.runner.epoch.map { self.runner.pool.holds($0) } ?? true }

    /// Learns whether Redis takes writes.
    ///
    /// - Returns: Whether it has memory for more; without, what frees memory goes on.
    /// - Throws: When it takes none, as a replica, or is away.
    package func probeWritable() async throws(StoreError) -> Bool {
        var command = RedisCommand("SET", arguments: 4)
        for argument in [KeySpace.probe, "1", "EX", "60"] { command.append(argument) }
        do {
            _ = try await self.runner.send(command)
            return true
        } catch {
            guard error.trouble == .full else { throw error }
            return false
        }
    }

    /// How far the newest position of any shard is ahead of the clock; zero in a sound deployment.
    ///
    /// It is ahead after the clock of Redis was once ahead, until the clock has caught up. Order comes from positions and
    /// life from the clock, so nothing is lost by it; but ids no longer tell when they were made.
    package func positionsAhead() async throws(StoreError) -> Duration {
        var command = RedisCommand("MGET", arguments: self.keySpace.shards.count)
        for shard in self.keySpace.shards { command.append(shard.lastPosition) }
        var positions = try ReplyReader(try await self.runner.send(command), of: "MGET")
        let now = try await self.now()
        var ahead: Int64 = 0
        while !positions.isAtEnd {
            // A shard without a position has not been used.
            guard let text = try positions.next().text else { continue }
            guard let value = Int64(text) else { throw positions.unexpected("position") }
            ahead = max(ahead, Position(value).createdAt.milliseconds - now.milliseconds)
        }
        return .milliseconds(ahead)
    }

    private func now() async throws(StoreError) -> Timestamp {
        switch self.runner.clock {
        case .manual(let now): return now()
        case .redis:
            var time = try ReplyReader(try await self.runner.send(RedisCommand("TIME", arguments: 0)), of: "TIME")
            guard let seconds = Int64(try time.text()), let micros = Int64(try time.text()),
                (0...Int64(Int32.max) * 1000).contains(seconds)
            else { throw time.unexpected("time") }
            return Timestamp(milliseconds: seconds * 1000 + micros / 1000)
        }
    }
}
