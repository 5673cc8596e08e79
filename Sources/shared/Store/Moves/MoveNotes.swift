package import Domain
import Redis

/// What the control store knows of queues that move to another pool.
///
/// A note counts for a short time, which its mover prolongs. Where it does not, any process may take the move over: it undoes what
/// was not decided, and finishes what was.
package struct MoveNotes: Sendable {
    package enum Phase: String, Sendable {
        /// It lives where it lived. Undone where its mover has ended.
        case copying
        /// It lives on the pool it was copied to, and is opened there.
        case committed
        /// It is open there, and what is left of it on the other pool is removed.
        case cleaning
    }

    package struct Note: Sendable, Equatable {
        package let queue: QueueAddress
        package let phase: Phase
        /// nil: the default store.
        package let source: PoolName?
        package let target: PoolName?
    }

    package enum Beginning: Sendable, Equatable {
        case begun
        /// The pools have changed.
        case stale
        /// It does not live on the pool it is to leave.
        case elsewhere(QueueName)
        /// It moves already, or another queue of its shard does.
        case busy(QueueName)
    }

    package enum Commit: String, Sendable {
        case committed
        /// The pools have changed.
        case stale
        /// Another process has ended the move.
        case lost
    }

    /// How long a note counts, and how often its mover prolongs it.
    package static let life = Duration.seconds(15)
    package static let beat = Duration.seconds(2)
    private static let lifeMilliseconds = Int64(Self.life / .milliseconds(1))

    let runner: ScriptRunner
    let keySpace: KeySpace

    /// Notes that queues of one project move.
    ///
    /// - Parameters:
    ///   - mover: Of no other move; digits and lower-case characters.
    ///   - version: Of the pools the caller knows.
    package func begin(
        _ queues: [QueueAddress], from source: PoolName?, to target: PoolName?, by mover: String, _ version: PoolVersion
    ) async throws(StoreError) -> Beginning {
        guard let project = queues.first?.project else { return .begun }
        var call = self.runner.call(
            Scripts.moveBegin,
            keys: [
                KeySpace.queueNames(of: project), KeySpace.queuePools(of: project), KeySpace.pools,
                KeySpace.poolVersion, KeySpace.queueMoves,
            ])
        self.append(queues, source, target, mover, version, to: &call)
        var reply = try ReplyReader(try await self.runner.write(call), of: Scripts.moveBegin)
        switch try reply.text() {
        case "begun": return .begun
        case "stale": return .stale
        case "elsewhere": return .elsewhere(try reply.queueName())
        case "busy": return .busy(try reply.queueName())
        case let answer: throw .corrupt("move_begin.lua answered \(answer)")
        }
    }

    /// Lets queues live on the pool that they were copied to, all of them at once.
    package func commit(
        _ queues: [QueueAddress], from source: PoolName?, to target: PoolName?, by mover: String, _ version: PoolVersion
    ) async throws(StoreError) -> Commit {
        guard let project = queues.first?.project else { return .committed }
        var call = self.runner.call(
            Scripts.moveCommit,
            keys: [
                KeySpace.queuePools(of: project), KeySpace.reservations(of: project), KeySpace.pools,
                KeySpace.poolVersion, KeySpace.poolCounts, KeySpace.queueMoves, KeySpace.queueNames(of: project),
            ])
        self.append(queues, source, target, mover, version, to: &call)
        let answer = try await self.runner.write(call).text ?? ""
        guard let commit = Commit(rawValue: answer) else { throw .corrupt("move_commit.lua answered \(answer)") }
        return commit
    }

    private func append(
        _ queues: [QueueAddress], _ source: PoolName?, _ target: PoolName?, _ mover: String, _ version: PoolVersion,
        to call: inout ScriptCall
    ) {
        call.append(String(version.number))
        call.append(source?.text ?? "")
        call.append(target?.text ?? "")
        call.append(mover)
        call.append(Self.lifeMilliseconds)
        for queue in queues {
            call.append(queue.name.text)
            call.append(queue.key)
            call.append(self.keySpace.number(of: queue))
        }
    }

    /// Prolongs the note of a queue, or takes it over where it counts no more.
    ///
    /// - Parameter phase: What it is to be from now on; nil: what it was.
    /// - Returns: The note as it was; nil: there is none, or it is another mover's.
    package func hold(
        _ queue: QueueAddress, by mover: String, as phase: Phase? = nil
    ) async throws(StoreError) -> Note? {
        guard let note = try await self.change(queue, by: mover, to: phase?.rawValue ?? "") else { return nil }
        return try Note(queue, note)
    }

    /// Removes the note of a queue, whose move has ended.
    package func end(_ queue: QueueAddress, by mover: String) async throws(StoreError) {
        _ = try await self.change(queue, by: mover, to: "-")
    }

    private func change(
        _ queue: QueueAddress, by mover: String, to phase: String
    ) async throws(StoreError) -> String? {
        var call = self.runner.call(Scripts.moveNote, keys: [KeySpace.queueMoves])
        call.append(queue.key)
        call.append(mover)
        call.append(Self.lifeMilliseconds)
        call.append(phase)
        return try await self.runner.write(call).text
    }

    /// The note of a queue; nil: it does not move.
    package func note(of queue: QueueAddress) async throws(StoreError) -> Note? {
        var command = RedisCommand("HGET", arguments: 2)
        command.append(KeySpace.queueMoves)
        command.append(queue.key)
        guard let text = try await self.runner.send(command).text else { return nil }
        return try Note(queue, text)
    }

    /// The queues that move.
    package func queues() async throws(StoreError) -> [QueueAddress] {
        var command = RedisCommand("HKEYS", arguments: 1)
        command.append(KeySpace.queueMoves)
        var reply = try ReplyReader(try await self.runner.send(command), of: "HKEYS")
        var queues: [QueueAddress] = []
        while !reply.isAtEnd {
            guard let queue = QueueAddress(key: try reply.bytes()[...]) else { throw reply.unexpected("queue") }
            queues.append(queue)
        }
        return queues
    }
}

extension MoveNotes.Note {
    /// As `move_begin.lua` writes it: phase, end, mover, shard, and the two pools, `|` between.
    fileprivate init(_ queue: QueueAddress, _ text: String) throws(StoreError) {
        let parts = text.split(separator: "|", omittingEmptySubsequences: false)
        guard parts.count == 6, let phase = MoveNotes.Phase(rawValue: String(parts[0])) else {
            throw .corrupt("the note of a move")
        }
        func pool(_ text: Substring) throws(StoreError) -> PoolName? {
            guard !text.isEmpty else { return nil }
            do { return try PoolName(String(text)) } catch { throw .corrupt("the note of a move") }
        }
        self.init(queue: queue, phase: phase, source: try pool(parts[4]), target: try pool(parts[5]))
    }
}

extension ReplyReader {
    fileprivate mutating func queueName() throws(StoreError) -> QueueName {
        do { return try QueueName(try self.text()) } catch { throw self.unexpected("queue") }
    }
}
