package import Domain
import Redis

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
