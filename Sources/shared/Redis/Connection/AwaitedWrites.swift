internal import NIOConcurrencyHelpers
internal import NIOCore

/// Sends writes whose reach is waited for, over connections of their own.
///
/// What comes while every connection waits travels together as soon as one is free: so the more there is to
/// write, the more of it shares one `WAIT` or `WAITAOF` (docs/redis.md, "Replicas").
final class AwaitedWrites: Sendable {
    /// Batches under way at once.
    static let connectionsMax = 4
    private static let batchBytesMax = 8 << 20
    /// One that is written is enough; there are more, since slots of a cluster may move meanwhile.
    private static let marksMax = 8
    /// Batches' worth of commands that wait.
    private static let batchesWaitingMax = 8

    private struct Write: Sendable {
        let command: EncodedCommand
        let markKey: String
        let deadline: NIODeadline
        let epoch: Int
        let caller: AwaitedBatch.Caller
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
        mutating func batch(of countMax: Int, bytesMax: Int) -> [Write] {
            var (writes, bytes): ([Write], Int) = ([], 0)
            while let write = self.waiting.first, writes.count < countMax,
                writes.isEmpty || bytes + write.command.bytes <= bytesMax
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
    private let reach: WriteReach
    private let state: NIOLockedValueBox<State>

    /// - Parameter connections: Used by nothing else.
    init(_ reach: WriteReach, over connections: [RedisConnection]) {
        self.reach = reach
        self.connections = connections
        self.state = NIOLockedValueBox(State(idle: connections))
    }

    /// Sends a command, and waits for its reply and until what it wrote got as far as it has to.
    ///
    /// - Parameters:
    ///   - key: In the slot of the command, see ``WriteReach/mark(_:)``.
    ///   - deadline: Of the command; the wait has its own behind it.
    ///   - epoch: See ``ServerWatch``.
    func send(_ command: EncodedCommand, marking key: String, by deadline: NIODeadline, epoch: Int) async
        -> AwaitedReply
    {
        await withUnsafeContinuation { caller in
            let isTaken = self.state.withLockedValue { state in
                let bytes = state.bytes + command.bytes
                guard state.waiting.count < Self.batchesWaitingMax * self.reach.batchMax,
                    state.waiting.isEmpty || bytes <= RedisLimits.inFlightBytesMax
                else { return false }
                state.bytes = bytes
                state.waiting.append(
                    Write(command: command, markKey: key, deadline: deadline, epoch: epoch, caller: caller))
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
            return (connection, state.batch(of: self.reach.batchMax, bytesMax: Self.batchBytesMax))
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
        let marks = Set(writes.map(\.markKey)).prefix(Self.marksMax)
        let batch = AwaitedBatch(of: writes.map(\.caller), marks: marks.count) { self.release(connection) }
        let deadline = writes.map(\.deadline).max() ?? .now()
        var requests = writes.enumerated().map { index, write in
            Request(
                command: write.command, deadline: write.deadline, epoch: write.epoch, caller: .batch(batch, index))
        }
        for (index, key) in marks.enumerated() {
            requests.append(
                Request(
                    command: WriteReach.mark(key), deadline: deadline, caller: .batch(batch, writes.count + index)))
        }
        requests.append(
            Request(
                command: self.reach.command,
                // It begins to wait when the last write is done.
                deadline: deadline + TimeAmount(self.reach.deadline + RedisLimits.blockingMargin),
                caller: .batch(batch, writes.count + marks.count)))
        guard case .refused(let reason) = connection.post(unit: requests) else { return }
        for request in requests { request.caller.resume(returning: .failure(.notSent(reason))) }
    }

    private static func end(_ caller: AwaitedBatch.Caller, _ reason: RedisError.NotSent) {
        caller.resume(returning: AwaitedReply(reply: .failure(.notSent(reason)), copies: 0))
    }
}
