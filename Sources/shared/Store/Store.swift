import Domain
import Redis
import Signing

/// What Herald keeps, and how: the one room that knows keys and scripts.
///
/// Everything is a value over one pool.
package struct Store: Sendable {
    package let queues: QueueStore
    package let messages: MessageStore
    package let claims: ClaimStore
    package let subscriptions: SubscriptionStore
    package let deliveries: DeliveryStore
    package let bell: Bell
    private let runner: ScriptRunner

    init(runner: ScriptRunner, shards: Shards, idKey: [UInt8]) {
        let keyring = Keyring(shards)
        let names = QueueNames(runner: runner)
        let tagger = MessageTagger(key: idKey)
        self.runner = runner
        let ids = MessageIDs(tagger: tagger)
        let moves = DeadLetterMoves(runner: runner, keyring: keyring, names: names, ids: ids)
        self.queues = QueueStore(runner: runner, keyring: keyring, names: names, ids: ids)
        self.messages = MessageStore(runner: runner, keyring: keyring, names: names, ids: ids)
        self.claims = ClaimStore(runner: runner, keyring: keyring, ids: ids, moves: moves)
        self.subscriptions = SubscriptionStore(runner: runner, keyring: keyring, names: names)
        self.deliveries = DeliveryStore(runner: runner, keyring: keyring, tagger: tagger, moves: moves)
        self.bell = Bell(keyring: keyring)
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
