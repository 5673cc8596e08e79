import Domain
import Redis

/// The messages that were to be fanned out in a shard of the target when a copy began.
///
/// Their payloads are written when they are: a message with the position of one of them must not come there. Later ones have
/// positions behind all that is copied.
struct TargetEvents: Sendable {
    /// The position of the first message of each event, and behind the last one, in order.
    private let ranges: [(first: Int64, end: Int64)]

    /// Reads them.
    init(of keys: ShardKeys, in target: ClosedQueues) async throws {
        var ranges: [(first: Int64, end: Int64)] = []
        for project in try await Self.members(keys.fanoutProjects, in: target) {
            guard let project = try? ProjectID(project) else { throw StoreError.corrupt("a project with events") }
            for name in try await Self.members(keys.fanoutQueues(of: project), in: target) {
                guard let queue = QueueAddress(key: name) else { throw StoreError.corrupt("a queue with events") }
                for (first, count) in try await Self.list(keys.events(of: queue), in: target) {
                    ranges.append((first.value, first.value + Int64(count)))
                }
            }
        }
        self.ranges = ranges.sorted { $0.first < $1.first }
    }

    /// - Throws: ``QueueCopy/Collision`` where one of them has the position.
    func check(_ position: Position) throws {
        // The last one that begins at or before it: no two overlap.
        var (low, high) = (0, self.ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if self.ranges[middle].first <= position.value { low = middle + 1 } else { high = middle }
        }
        if low > 0, position.value < self.ranges[low - 1].end { throw QueueCopy.Collision(position: position) }
    }

    /// The events of a queue, from the newest on: those that are taken meanwhile go at the other end.
    static func list(_ events: RedisKey, in store: ClosedQueues) async throws -> [(first: Position, count: Int)] {
        var listed: [(first: Position, count: Int)] = []
        while true {
            var call = store.runner.call(Scripts.eventList, keys: [events])
            call.append(listed.count)
            var reply = try ReplyReader(try await store.runner.run(call), of: Scripts.eventList)
            if reply.isAtEnd { return listed }
            while !reply.isAtEnd { listed.append((try reply.position(), try reply.int())) }
        }
    }

    private static func members(_ key: RedisKey, in store: ClosedQueues) async throws -> [String] {
        var command = RedisCommand("ZRANGE", arguments: 3)
        command.append(key)
        command.append(0)
        command.append(-1)
        var reply = try ReplyReader(try await store.runner.send(command), of: "ZRANGE")
        var members: [String] = []
        while !reply.isAtEnd { members.append(try reply.text()) }
        return members
    }
}
