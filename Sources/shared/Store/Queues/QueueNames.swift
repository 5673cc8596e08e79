import Domain
import Redis

/// The list of a project's queues by name.
///
/// It lies outside of the queues' shards and may name a queue that is not there; whoever reads it looks.
struct QueueNames: Sendable {
    let runner: ScriptRunner

    func add(_ queue: QueueAddress) async throws(StoreError) {
        var command = RedisCommand("ZADD", arguments: 3)
        command.append(Keys.queueNames(of: queue.project))
        command.append(0)
        command.append(queue.name.text)
        _ = try await self.runner.send(command)
    }

    func remove(_ queue: QueueAddress) async throws(StoreError) {
        var command = RedisCommand("ZREM", arguments: 2)
        command.append(Keys.queueNames(of: queue.project))
        command.append(queue.name.text)
        _ = try await self.runner.send(command)
    }

    /// Names greater than `after`, in byte order.
    func page(of project: ProjectID, after: String?, limit: Int) async throws(StoreError) -> [QueueName] {
        var command = RedisCommand("ZRANGEBYLEX", arguments: 6)
        command.append(Keys.queueNames(of: project))
        command.append(after.map { "(" + $0 } ?? "-")
        command.append("+")
        command.append("LIMIT")
        command.append(0)
        command.append(limit)
        var reply = try ReplyReader(try await self.runner.send(command), of: "ZRANGEBYLEX")
        var names: [QueueName] = []
        while !reply.isAtEnd {
            do { names.append(try QueueName(try reply.text())) } catch {
                throw .corrupt("a listed queue has no valid name")
            }
        }
        return names
    }

    func count(of project: ProjectID) async throws(StoreError) -> Int {
        var command = RedisCommand("ZCARD", arguments: 1)
        command.append(Keys.queueNames(of: project))
        guard let count = try await self.runner.send(command).int else { throw .corrupt("ZCARD answered no number") }
        return count
    }
}
