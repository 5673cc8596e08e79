package import Domain
import Redis

/// What a project has in the shards of a store.
package struct StoredUsage: Sendable, Equatable {
    /// Of the records of messages in its queues, without those on their way to a dead-letter queue.
    package var bytes = 0
    /// Those that expired and were not swept yet included.
    package var subscriptions = 0

    package init(bytes: Int = 0, subscriptions: Int = 0) {
        self.bytes = bytes
        self.subscriptions = subscriptions
    }

    package static func + (one: StoredUsage, other: StoredUsage) -> StoredUsage {
        StoredUsage(bytes: one.bytes + other.bytes, subscriptions: one.subscriptions + other.subscriptions)
    }
}

extension Store {
    /// What a project has here, read from one small hash a shard.
    package func usage(of project: ProjectID) async throws(StoreError) -> StoredUsage {
        var usage = StoredUsage()
        let commands = self.shards.map { shard in
            var command = RedisCommand("HMGET", arguments: 3)
            command.append(shard.usage(of: project))
            command.append("bytes")
            command.append("subscriptions")
            return command
        }
        for reply in try await self.runner.sendAll(commands) {
            let counts = reply.array ?? []
            guard counts.count == 2 else { throw .corrupt("HMGET answered \(counts.count) values") }
            // A shard that has nothing of the project says nothing.
            usage.bytes += counts[0].text.flatMap { Int($0) } ?? 0
            usage.subscriptions += counts[1].text.flatMap { Int($0) } ?? 0
        }
        return usage
    }
}
