package import Redis

/// How an idle worker learns of new events: a post leaves a wake-up signal in its shard, and one of the workers that wait there
/// takes it.
///
/// A signal may be lost with the worker that took it; ``DeliveryStore/status(of:)`` once a second finds what it was about.
package struct WakeupSignals: Sendable {
    /// By shard, those that one read waits for.
    private let keys: [(shard: Int, key: RedisKey)]

    /// - Parameter keys: At least one.
    private init(_ keys: [(shard: Int, key: RedisKey)]) { self.keys = keys }

    /// What an idle worker has to read: all shards at once, and in a cluster, where one read has keys of one slot, each of them.
    static func all(of keySpace: KeySpace, inCluster isCluster: Bool) -> [WakeupSignals] {
        let keys = keySpace.shards.enumerated().map { (shard: $0, key: $1.wakeup) }
        return isCluster ? keys.map { WakeupSignals([$0]) } : [WakeupSignals(keys)]
    }

    /// Of one of its keys.
    var slot: KeySlot { self.keys[0].key.slot }

    /// Waits until there are new events, or `limit` has passed.
    ///
    /// - Parameter first: The shard to look at first. Redis answers with the first that has a signal, so a caller
    ///   that moves on behind the shard it got last gets all of them in turn.
    /// - Returns: The shard; nil when none had a signal in time.
    package func wait(
        on connection: RedisBlockingConnection, from first: Int, for limit: Duration
    ) async throws(StoreError) -> Int? {
        // Keys of several shards lie in as many slots.
        let route = self.keys.count == 1 ? RedisRoute.slot(self.slot) : .oneServer
        var command = RedisCommand("BZPOPMIN", route: route, arguments: self.keys.count + 1)
        for index in self.keys.indices { command.append(self.keys[(first + index) % self.keys.count].key) }
        // Redis takes 0 as "for ever", which no caller means.
        let milliseconds = limit.components.seconds * 1000 + limit.components.attoseconds / 1_000_000_000_000_000
        command.append(String(Double(max(milliseconds, 1)) / 1000))
        let reply: RedisValue
        do { reply = try await connection.send(command, blockingFor: limit) } catch { throw StoreError(error) }
        if reply.isNull { return nil }
        var taken = try ReplyReader(reply, of: "BZPOPMIN")
        _ = try taken.bytes()
        let shard = try taken.int()
        guard self.keys.contains(where: { $0.shard == shard }) else { throw taken.unexpected("shard") }
        return shard
    }
}
