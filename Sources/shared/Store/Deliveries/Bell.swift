package import Redis

/// How an idle worker hears of new events: a post rings the bell of its shard, and wakes one of those who wait there.
///
/// A bell may be lost with the worker that heard it; ``DeliveryStore/look(at:)`` once a second finds what it was about.
package struct Bell: Sendable {
    private let keys: [String]

    init(keyring: Keyring) {
        self.keys = keyring.shards.map { $0.bell }
    }

    /// Waits until there are new events, or `limit` has passed.
    ///
    /// - Parameter first: The shard to look at first. Redis answers with the first bell that rings, so a caller who
    ///   moves on behind the shard it heard last hears all of them in turn.
    /// - Returns: The shard; nil when none rang in time.
    package func wait(
        on connection: RedisBlockingConnection, from first: Int, for limit: Duration
    ) async throws(StoreError) -> Int? {
        var command = RedisCommand("BZPOPMIN", arguments: self.keys.count + 1)
        for index in self.keys.indices { command.append(self.keys[(first + index) % self.keys.count]) }
        // Redis takes 0 as "for ever", which no caller means.
        let milliseconds = limit.components.seconds * 1000 + limit.components.attoseconds / 1_000_000_000_000_000
        command.append(String(Double(max(milliseconds, 1)) / 1000))
        let reply: RedisValue
        do { reply = try await connection.send(command, blockingFor: limit) } catch { throw StoreError(error) }
        if reply.isNull { return nil }
        var rung = try ReplyReader(reply, of: "BZPOPMIN")
        _ = try rung.bytes()
        let shard = try rung.int()
        guard self.keys.indices.contains(shard) else { throw rung.unexpected("shard") }
        return shard
    }
}
