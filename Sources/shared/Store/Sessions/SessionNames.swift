package import Domain
import Redis

/// Which session has the name of a subscription, all of them in the control store.
///
/// A node holds the names of its sessions every few seconds; those of a node that has ended go by themselves.
package struct SessionNames: Sendable {
    /// How long a name is kept that is not held.
    package static let life = Duration.seconds(60)

    /// A name, which counts within its queue.
    package struct Entry: Sendable, Hashable {
        package let name: SessionName
        package let queue: QueueAddress

        package init(_ name: SessionName, of queue: QueueAddress) {
            self.name = name
            self.queue = queue
        }

        fileprivate var key: RedisKey { KeySpace.sessionName(self.name, of: self.queue) }
    }

    /// What has become of a name.
    package enum Held: Int, Sendable {
        /// Another session took it, which keeps it.
        case lost = 0
        case held = 1
        /// No session had it any more: what waited for it is not awake.
        case takenAnew = 2
    }

    let runner: ScriptRunner

    /// Gives a name to a session, which then has it alone.
    ///
    /// - Returns: The one that had it.
    package func take(_ entry: Entry, for session: SessionAddress) async throws(StoreError) -> SessionAddress? {
        var call = self.runner.call(Scripts.sessionNameTake, keys: [entry.key])
        call.append(session.text)
        call.append(Int64(Self.life / .milliseconds(1)))
        let before = try await self.runner.run(call)
        return before.bytes.flatMap { SessionAddress(String(decoding: $0, as: UTF8.self)) }
    }

    /// Keeps names for sessions.
    ///
    /// - Returns: What has become of each, in their order.
    package func hold(
        _ held: [(entry: Entry, session: SessionAddress)]
    ) async throws(StoreError) -> [Held] {
        var answers: [Held] = []
        for chunk in held.chunks(of: StorageLimits.settlementsMax) {
            var call = self.runner.call(
                Scripts.sessionNameHold,
                keys: [KeySpace.sessionNodes] + chunk.map { $0.entry.key })
            call.append(Int64(Self.life / .milliseconds(1)))
            for one in chunk { call.append(one.session.text) }
            var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.sessionNameHold)
            for _ in chunk {
                guard let answer = Held(rawValue: try reply.int()) else { throw reply.unexpected("state of a name") }
                answers.append(answer)
            }
        }
        return answers
    }

    /// Takes names from sessions that have them still.
    package func release(_ held: [(entry: Entry, session: SessionAddress)]) async throws(StoreError) {
        for chunk in held.chunks(of: StorageLimits.settlementsMax) {
            var call = self.runner.call(
                Scripts.sessionNameRelease, keys: chunk.map { $0.entry.key })
            for one in chunk { call.append(one.session.text) }
            _ = try await self.runner.run(call)
        }
    }

    /// The sessions that have names, in their order; nil where none has.
    package func sessions(of entries: [Entry]) async throws(StoreError) -> [SessionAddress?] {
        guard !entries.isEmpty else { return [] }
        var command = RedisCommand("MGET", arguments: entries.count)
        for entry in entries { command.append(entry.key) }
        var reply = try ReplyReader(try await self.runner.send(command), of: "MGET")
        var sessions: [SessionAddress?] = []
        for _ in entries {
            sessions.append(try reply.next().bytes.flatMap { SessionAddress(String(decoding: $0, as: UTF8.self)) })
        }
        return sessions
    }
}
