internal import NIOCore

/// How far a write has to get, beside the memory of its server, before it counts.
package struct WriteReach: Sendable, Equatable {
    package enum Goal: Sendable, Equatable {
        /// The memory of that many replicas, 1 or more.
        case replicas(Int)
        /// The append-only file of the server, synced to its disk (`WAITAOF`, Redis 7.2).
        case disk
    }

    package let goal: Goal
    /// How long it is waited for.
    package let deadline: Duration

    package init(_ goal: Goal, within deadline: Duration) {
        precondition(deadline > .zero, "a wait lasts")
        if case .replicas(let count) = goal { precondition(count >= 1, "a wait is for something") }
        self.goal = goal
        self.deadline = deadline
    }

    /// How many have to say that they have what was written.
    package var copies: Int {
        switch self.goal {
        case .replicas(let count): count
        case .disk: 1
        }
    }

    /// How many commands share one wait: a disk is synced once a second where Redis is not set up to do more, and all that comes
    /// meanwhile waits for the same sync.
    var batchMax: Int {
        switch self.goal {
        case .replicas: 1_000
        case .disk: 8_000
        }
    }

    /// Asks whether a server can wait for it: it answers at once, and refuses what it does not know, or where it has no
    /// append-only file.
    package var question: RedisCommand { self.command(waiting: 1) }

    /// Waits for what its connection has written before.
    var command: EncodedCommand {
        self.command(waiting: max(1, TimeAmount(self.deadline).nanoseconds / 1_000_000)).encoded
    }

    /// Writes a key behind other commands: from Redis 7.2 on, both waits pass over commands of their connection that wrote nothing,
    /// and so over what these found written by others.
    static func mark(_ key: String) -> EncodedCommand {
        var command = RedisCommand("SET", arguments: 4)
        command.append(key)
        command.append("1")
        command.append("EX")
        command.append(60)
        return command.encoded
    }

    private func command(waiting milliseconds: Int64) -> RedisCommand {
        var command: RedisCommand
        switch self.goal {
        case .replicas(let count):
            command = RedisCommand("WAIT", arguments: 2)
            command.append(count)
        case .disk:
            command = RedisCommand("WAITAOF", arguments: 3)
            command.append(1)
            command.append(0)
        }
        command.append(milliseconds)
        return command
    }

    /// How many say so, in an answer to ``command``; none where it was refused.
    static func copies(in answer: RedisValue) -> Int {
        switch answer {
        case .integer(let replicas): Int(clamping: replicas)
        case .array(let counts): counts.first?.int ?? 0
        default: 0
        }
    }
}
