package import Domain
package import Logging
package import Redis
import Signing

/// What Herald keeps, and how: the one room that knows keys and scripts.
///
/// Everything is a value over one Redis, aside from the register of queues, which is the control store's.
package struct Store: Sendable {
    package let queues: QueueStore
    package let messages: MessageStore
    package let claims: ClaimStore
    package let subscriptions: SubscriptionStore
    package let deliveries: DeliveryStore
    package let bell: Bell
    /// The pools, where this is the control store.
    package let pools: PoolRegistry
    /// The topics, where this is the control store.
    package let topics: TopicStore
    /// The times of confirmations, where this is the control store.
    package let questions: QuestionSchedule
    let runner: ScriptRunner
    private let keyring: Keyring
    private let tagger: MessageTagger

    init(runner: ScriptRunner, keyring: Keyring, tagger: MessageTagger, register: QueueRegister) {
        let ids = MessageIDs(tagger: tagger)
        let moves = DeadLetterMoves(runner: runner, keyring: keyring, register: register, ids: ids)
        self.runner = runner
        self.keyring = keyring
        self.tagger = tagger
        self.queues = QueueStore(runner: runner, keyring: keyring, register: register, ids: ids)
        self.messages = MessageStore(runner: runner, keyring: keyring, register: register, ids: ids)
        self.claims = ClaimStore(runner: runner, keyring: keyring, ids: ids, moves: moves)
        self.subscriptions = SubscriptionStore(runner: runner, keyring: keyring, register: register)
        self.deliveries = DeliveryStore(runner: runner, keyring: keyring, tagger: tagger, moves: moves)
        self.bell = Bell(keyring: keyring)
        self.pools = PoolRegistry(runner: runner)
        self.topics = TopicStore(runner: runner)
        self.questions = QuestionSchedule(runner: runner)
    }

    /// The same store, entering its queues in the register of another.
    ///
    /// - Parameters:
    ///   - control: Keeps the register; it may be this store itself.
    ///   - homes: The pools this store is, nil for the default one; without any it enters no queue.
    ///   - version: The version of the pools by which a queue that lives nowhere may be made here; nil: by any.
    package func entering(in control: Store, as homes: [PoolName?], by version: PoolVersion?) -> Store {
        Store(
            runner: self.runner, keyring: self.keyring, tagger: self.tagger,
            register: QueueRegister(runner: control.runner, homes: homes, version: version))
    }

    /// Opens the store in another Redis the way this one was: with as many shards, and its clock.
    ///
    /// It enters no queue until ``entering(in:as:by:)``.
    package func open(on pool: RedisPool, logger: Logger) async throws(StoreOpeningError) -> Store {
        try await Store.open(on: pool, shards: self.keyring.shards.count, clock: self.runner.clock, logger: logger)
            .entering(in: self, as: [], by: nil)
    }

    /// Learns whether Redis answers.
    package func ping() async throws(StoreError) {
        _ = try await self.runner.send(RedisCommand("PING"))
    }

    /// Learns whether Redis takes writes: a replica, or one that is out of memory, answers but does not.
    package func probeWritable() async throws(StoreError) {
        var command = RedisCommand("SET", arguments: 4)
        for argument in [Keys.probe, "1", "EX", "60"] { command.append(argument) }
        _ = try await self.runner.send(command)
    }
}
