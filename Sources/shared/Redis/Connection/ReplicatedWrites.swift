internal import NIOConcurrencyHelpers
internal import NIOCore

/// How far a write has to get before it counts as replicated.
package struct ReplicationRule: Sendable, Equatable {
    /// Replicas that must have it, 1 or more.
    package let replicas: Int
    /// How long they are waited for.
    package let deadline: Duration

    package init(replicas: Int, deadline: Duration) {
        precondition(replicas >= 1 && deadline > .zero, "a rule of replication waits for something")
        self.replicas = replicas
        self.deadline = deadline
    }
}

/// Sends writes that have to reach replicas, over connections of their own.
///
/// What comes while every connection waits for replicas travels together as soon as one is free: so the more there is to
/// write, the more of it shares one `WAIT` (docs/redis.md, "Replicas").
final class ReplicatedWrites: Sendable {
    /// Batches under way at once.
    static let connectionsMax = 4
    fileprivate static let batchMax = 1_000
    fileprivate static let batchBytesMax = 8 << 20
    private static let waitingMax = 8_192

    private struct Write: Sendable {
        let command: EncodedCommand
        let deadline: NIODeadline
        let epoch: Int
        let caller: ReplicatedBatch.Caller
    }

    private struct State {
        var waiting = CircularBuffer<Write>()
        var bytes = 0
        /// Connections on which no batch is under way.
        var idle: [RedisConnection]

        /// Takes a connection that is there, if any is.
        mutating func takeIdle() -> RedisConnection? {
            guard !self.idle.isEmpty else { return nil }
            return self.idle.remove(at: self.idle.lastIndex { $0.isConnected } ?? 0)
        }

        /// Takes what travels together next; the first may be as large as it is.
        mutating func batch() -> [Write] {
            var (writes, bytes): ([Write], Int) = ([], 0)
            while let write = self.waiting.first, writes.count < ReplicatedWrites.batchMax,
                writes.isEmpty || bytes + write.command.bytes <= ReplicatedWrites.batchBytesMax
            {
                self.waiting.removeFirst()
                bytes += write.command.bytes
                writes.append(write)
            }
            self.bytes -= bytes
            return writes
        }
    }

    let connections: [RedisConnection]
    private let rule: ReplicationRule
    private let state: NIOLockedValueBox<State>

    /// - Parameter connections: Used by nothing else.
    init(_ rule: ReplicationRule, over connections: [RedisConnection]) {
        self.rule = rule
        self.connections = connections
        self.state = NIOLockedValueBox(State(idle: connections))
    }

    /// Sends a command, and waits for its reply and for the replicas.
    ///
    /// - Parameters:
    ///   - deadline: Of the command; the replicas have the time of the rule behind it.
    ///   - epoch: See ``ServerWatch``.
    func send(_ command: EncodedCommand, by deadline: NIODeadline, epoch: Int) async -> ReplicatedReply {
        await withUnsafeContinuation { caller in
            let isTaken = self.state.withLockedValue { state in
                let bytes = state.bytes + command.bytes
                guard state.waiting.count < Self.waitingMax,
                    state.waiting.isEmpty || bytes <= RedisLimits.inFlightBytesMax
                else { return false }
                state.bytes = bytes
                state.waiting.append(Write(command: command, deadline: deadline, epoch: epoch, caller: caller))
                return true
            }
            guard isTaken else { return Self.end(caller, .tooManyInFlight) }
            self.sendNext()
        }
    }

    /// Sends what waits, if a connection is idle.
    private func sendNext() {
        let next = self.state.withLockedValue { state -> (connection: RedisConnection, writes: [Write])? in
            guard !state.waiting.isEmpty, let connection = state.takeIdle() else { return nil }
            return (connection, state.batch())
        }
        guard let next else { return }
        let now = NIODeadline.now()
        for write in next.writes where write.deadline <= now { Self.end(write.caller, .deadline) }
        let writes = next.writes.filter { $0.deadline > now }
        guard !writes.isEmpty else { return self.release(next.connection) }
        self.send(writes, over: next.connection)
    }

    private func release(_ connection: RedisConnection) {
        self.state.withLockedValue { $0.idle.append(connection) }
        self.sendNext()
    }

    /// - Parameter writes: At least one.
    private func send(_ writes: [Write], over connection: RedisConnection) {
        let batch = ReplicatedBatch(of: writes.map(\.caller)) { self.release(connection) }
        var requests = writes.enumerated().map { index, write in
            Request(
                command: write.command, deadline: write.deadline, epoch: write.epoch, caller: .batch(batch, index))
        }
        requests.append(
            Request(
                command: self.rule.command,
                // It begins to wait when the last write is done.
                deadline: (writes.map(\.deadline).max() ?? .now())
                    + TimeAmount(self.rule.deadline + RedisLimits.blockingMargin),
                caller: .batch(batch, writes.count)))
        guard case .refused(let reason) = connection.post(unit: requests) else { return }
        for request in requests { request.caller.resume(returning: .failure(.notSent(reason))) }
    }

    private static func end(_ caller: ReplicatedBatch.Caller, _ reason: RedisError.NotSent) {
        caller.resume(returning: ReplicatedReply(reply: .failure(.notSent(reason)), replicas: 0))
    }
}

extension ReplicationRule {
    fileprivate var command: EncodedCommand {
        var command = RedisCommand("WAIT", arguments: 2)
        command.append(self.replicas)
        command.append(max(1, TimeAmount(self.deadline).nanoseconds / 1_000_000))
        return command.encoded
    }
}
