package import Domain
import Redis

/// How messages leave a queue before their time.
extension MessageStore {
    /// Deletes one message (Messaging API v2, "Delete one").
    ///
    /// - Parameter claim: As the caller wrote it; text that cannot be a claim's id is an unknown claim.
    package func delete(
        _ queue: QueueAddress, id: MessageID, claim: String?
    ) async throws(StoreError) -> MessageDeletion {
        switch try await self.delete(queue, ids: [id], mode: .one, claims: claim.map { [$0] } ?? []) {
        case "ok": return .deleted
        case "claimed": return .claimed
        case "notclaimed": return .notClaimed
        case "other": return .claimedByAnother
        case let answer: throw .corrupt("message_delete.lua answered \(answer)")
        }
    }

    /// Deletes messages whether or not they are claimed or exist.
    ///
    /// - Parameter ids: At most ``idsMax``.
    package func delete(_ queue: QueueAddress, ids: [MessageID]) async throws(StoreError) {
        _ = try await self.delete(queue, ids: ids, mode: .any, claims: [])
    }

    /// Deletes messages that must all be under one of these active claims.
    ///
    /// Those that do not exist are skipped.
    ///
    /// - Parameters:
    ///   - ids: At most ``idsMax``.
    ///   - claims: As the caller wrote them; text that cannot be a claim's id is ignored.
    package func delete(
        _ queue: QueueAddress, ids: [MessageID], claims: [String]
    ) async throws(StoreError) -> BulkDeletion {
        switch try await self.delete(queue, ids: ids, mode: .claimed, claims: claims) {
        case "ok": return .deleted
        case "notclaimed": return .notClaimed
        case "other": return .claimedByAnother
        case let answer: throw .corrupt("message_delete.lua answered \(answer)")
        }
    }

    /// Removes and returns the oldest messages that could be claimed now; in one step, so that nobody else has them.
    ///
    /// - Returns: Up to `limit`; fewer also when more than one call may look at lies between them.
    package func pop(_ queue: QueueAddress, limit: Int) async throws(StoreError) -> [StoredMessage] {
        for _ in 0..<ScriptRunner.roundsMax {
            var call = self.call(Scripts.messagePop, queue)
            call.append(limit)
            var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.messagePop)
            let isUnfinished = try reply.int() == 1
            let now = try reply.timestamp()
            if !isUnfinished { return try self.ids.messages(of: queue, in: &reply, now: now) }
        }
        throw .overloaded
    }

    /// Removes every message of a queue, claimed and delayed ones too, with their claims.
    ///
    /// The queue stays.
    package func purge(_ queue: QueueAddress) async throws(StoreError) {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(Scripts.queuePurge, keys: keys.queue(queue).all + [keys.queueSweeps])
        call.append(queue.key)
        _ = try await self.runner.run(call)
    }

    private enum Mode: Int {
        case any = 0
        case one = 1
        case claimed = 2
    }

    private func delete(
        _ queue: QueueAddress, ids: [MessageID], mode: Mode, claims: [String]
    ) async throws(StoreError) -> String {
        precondition(ids.count <= Self.idsMax, "one call names at most \(Self.idsMax) messages")
        let ids = ids.unique
        var call = self.call(Scripts.messageDelete, queue)
        call.append(mode.rawValue)
        call.append(ids.count)
        for id in ids { self.ids.append(id, of: queue, to: &call) }
        // One claim that cannot exist still is a claim that was named.
        for claim in claims { call.append(ClaimID(claim)?.text ?? "-") }
        guard let answer = try await self.runner.run(call).text else {
            throw .corrupt("message_delete.lua answered no text")
        }
        return answer
    }
}
