import Cryptography
import Domain
import Redis

/// The claims on messages of queues.
///
/// A claim ends by itself: every reader compares its end with the time, so no job has to end it. Its messages are free
/// from that moment on, at their old place.
struct ClaimStore: ClaimStorage {
    let runner: ScriptRunner
    let keySpace: KeySpace
    let ids: MessageIDs
    let moves: DeadLetterMoves

    func create(
        _ queue: QueueAddress, limit: Int, ttl: Int, grace: Int
    ) async throws(StoreError) -> NewClaim? {
        precondition(
            (1...StorageLimits.claimMessagesMax).contains(limit),
            "a claim takes 1 through \(StorageLimits.claimMessagesMax) messages")
        let keys = self.keySpace.shard(of: queue)
        let id = ClaimID(random: SecureRandom.bytes(ClaimID.randomBytes))
        for _ in 0..<ScriptRunner.roundsMax {
            var call = self.runner.call(
                Scripts.claimCreate, keys: keys.queue(queue).all + [keys.moves, keys.queueSweeps])
            call.append(limit)
            call.append(id.text)
            call.append(ttl)
            call.append(grace)
            call.append(queue.key)
            var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.claimCreate)
            let isUnfinished = try reply.int() == 1
            let now = try reply.timestamp()
            let (firstMove, lastMove) = (try reply.text(), try reply.text())
            let messages = try self.ids.messages(of: queue, in: &reply, now: now)
            if !firstMove.isEmpty {
                // The claim stands whatever becomes of the moves: those that do not arrive now are finished by the sweep.
                try? await self.moves.finish(self.keySpace.number(of: queue), from: firstMove, through: lastMove)
            }
            if !isUnfinished { return messages.isEmpty ? nil : NewClaim(id: id, messages: messages) }
        }
        throw .overloaded
    }

    func get(_ queue: QueueAddress, id: ClaimID) async throws(StoreError) -> Claim? {
        var (passedOver, messages) = (0, [StoredMessage]())
        for _ in 0..<ScriptRunner.roundsMax {
            var call = self.call(Scripts.claimGet, queue)
            call.append(id.text)
            call.append(passedOver)
            var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.claimGet)
            let now = try reply.timestamp()
            // A claim that ends while it is read is none any more.
            guard !reply.isAtEnd else { return nil }
            let (startedAt, ttl) = (try reply.timestamp(), try reply.int())
            passedOver = try reply.int()
            messages += try self.ids.messages(of: queue, in: &reply, now: now)
            if passedOver == 0 {
                return Claim(id: id, ttl: ttl, age: now.wholeSeconds(since: startedAt), messages: messages)
            }
        }
        throw .overloaded
    }

    func update(
        _ queue: QueueAddress, id: ClaimID, ttl: Int, grace: Int
    ) async throws(StoreError) -> Bool {
        var call = self.call(Scripts.claimUpdate, queue)
        call.append(id.text)
        call.append(ttl)
        call.append(grace)
        return try await self.runner.run(call).int == 1
    }

    func release(_ queue: QueueAddress, id: ClaimID) async throws(StoreError) {
        var call = self.call(Scripts.claimRelease, queue)
        call.append(id.text)
        _ = try await self.runner.run(call)
    }

    private func call(_ script: RedisScript, _ queue: QueueAddress) -> ScriptCall {
        self.runner.call(script, keys: self.keySpace.shard(of: queue).queue(queue).all)
    }
}
