package import Redis

/// How an idle worker learns of new events: a post leaves a wake-up signal in its shard, and one of the workers that wait there
/// takes it.
///
/// A signal may be lost with the worker that took it; ``DeliveryStore/status(of:)`` once a second finds what it was about.
package struct WakeupSignals: Sendable {
    private let keys: [RedisKey]

    init(keySpace: KeySpace) {
        self.keys = keySpace.shards.map { $0.wakeup }
    }

    /// Waits until there are new events, or `limit` has passed.
    ///
    /// - Parameter first: The shard to look at first. Redis answers with the first that has a signal, so a caller
    ///   that moves on behind the shard it got last gets all of them in turn.
    /// - Returns: The shard; nil when none had a signal in time.
    package func wait(
        on connection: RedisBlockingConnection, from first: Int, for limit: Duration
    ) async throws(StoreError) -> Int? {
        // Keys of all shards, which lie in as many slots.
        var command = RedisCommand("BZPOPMIN", route: .oneServer, arguments: self.keys.count + 1)
        for index in self.keys.indices { command.append(self.keys[(first + index) % self.keys.count]) }
        // Redis takes 0 as "for ever", which no caller means.
        let milliseconds = limit.components.seconds * 1000 + limit.components.attoseconds / 1_000_000_000_000_000
        command.append(String(Double(max(milliseconds, 1)) / 1000))
        let reply: RedisValue
        do { reply = try await connection.send(command, blockingFor: limit) } catch { throw StoreError(error) }
        if reply.isNull { return nil }
        var taken = try ReplyReader(reply, of: "BZPOPMIN")
        _ = try taken.bytes()
        let shard = try taken.int()
        guard self.keys.indices.contains(shard) else { throw taken.unexpected("shard") }
        return shard
    }
}
