import Domain
import Redis

/// The messages of queues.
///
/// Ids are looked up also when they were not made for the queue: a message that was moved here keeps the id it had.
struct MessageStore: MessageStorage {
    let runner: ScriptRunner
    let keySpace: KeySpace
    let directory: QueueDirectory
    let ids: MessageIDs
    /// Whether the format of the store has traces; without them messages are stored as if they had none.
    let keepsTraces: Bool

    func post(
        _ messages: [MessageDraft], to queue: QueueAddress, by client: ClientID, requestBytes: Int,
        defaults: PostDefaults, key: PostKey?, expecting traits: QueueTraits?
    ) async throws -> PostOutcome {
        precondition(!messages.isEmpty, "a post has at least one message")
        let post = Post(
            messages: messages, client: client, requestBytes: requestBytes, defaults: defaults, key: key,
            traits: traits)
        if let outcome = try await self.run(post, on: queue, creating: false) { return outcome }
        // The queue is registered also where that has not got as far as it has to, and the messages are to be stored before
        // that is said.
        var shortfall: StoreError?
        do { try await self.directory.register(queue) } catch StoreError.notReached(let durability) {
            shortfall = .notReached(durability)
        }
        guard let outcome = try await self.run(post, on: queue, creating: true) else {
            throw StoreError.corrupt("message_post.lua found no queue although it was to create it")
        }
        do { try await self.directory.registerCreated(queue) } catch StoreError.unavailable(let error) {
            // The messages are there: nothing may say that a repeat does no harm.
            throw StoreError.outcomeUnknown(error)
        }
        if let shortfall { throw shortfall }
        return outcome
    }

    func repeated(_ key: PostKey, to queue: QueueAddress) async throws -> PostOutcome? {
        let post = Post(
            messages: [], client: nil, requestBytes: 0, defaults: PostDefaults(ttl: 0), key: key, traits: nil)
        return try await self.run(post, on: queue, creating: false)
    }

    func list(
        _ queue: QueueAddress, after: MessageID?, limit: Int, hiding: ClientID?, includeDelayed: Bool,
        includeClaimed: Bool
    ) async throws(StoreError) -> [StoredMessage] {
        let mark = hiding.map { self.ids.mark(of: $0) } ?? []
        // Of the marker, until a script has said where to go on.
        var (behind, marker) = (after.flatMap { self.position(of: $0, in: queue) } ?? "", after?.text ?? "")
        var messages: [StoredMessage] = []
        for _ in 0..<ScriptRunner.roundsMax {
            var call = self.call(Scripts.messageList, queue)
            call.append(behind)
            call.append(marker)
            call.append(limit - messages.count)
            call.append(includeClaimed ? 1 : 0)
            call.append(includeDelayed ? 1 : 0)
            call.append(mark)
            var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.messageList)
            let now = try reply.timestamp()
            behind = try reply.text()
            marker = ""
            messages += try self.ids.messages(of: queue, in: &reply, now: now)
            if behind.isEmpty { return messages }
        }
        throw .overloaded
    }

    func get(_ queue: QueueAddress, id: MessageID) async throws(StoreError) -> StoredMessage? {
        try await self.get(queue, ids: [id]).first
    }

    func get(_ queue: QueueAddress, ids: [MessageID]) async throws(StoreError) -> [StoredMessage] {
        precondition(
            ids.count <= StorageLimits.messageIDsMax, "one call names at most \(StorageLimits.messageIDsMax) messages")
        var left = ids.unique[...]
        var messages: [StoredMessage] = []
        // Without ids Redis is asked all the same, whether it is there.
        repeat {
            var call = self.call(Scripts.messageGet, queue)
            for id in left { self.ids.append(id, of: queue, to: &call) }
            var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.messageGet)
            let now = try reply.timestamp()
            let lookedAt = try reply.int()
            guard lookedAt <= left.count, lookedAt > 0 || left.isEmpty else {
                throw .corrupt("message_get.lua looked at \(lookedAt) of \(left.count) messages")
            }
            left = left.dropFirst(lookedAt)
            messages += try self.ids.messages(of: queue, in: &reply, now: now)
        } while !left.isEmpty
        return messages
    }

    func id(at position: Position, in queue: QueueAddress) -> MessageID {
        self.ids.id(at: position, of: queue)
    }

    func isIssued(_ id: MessageID, in queue: QueueAddress) -> Bool { self.ids.isIssued(id, in: queue) }

    func call(_ script: RedisScript, _ queue: QueueAddress) -> ScriptCall {
        self.runner.call(script, keys: self.keySpace.shard(of: queue).queue(queue).all)
    }

    private func position(of id: MessageID, in queue: QueueAddress) -> String? {
        self.ids.isIssued(id, in: queue) ? String(id.position.value) : nil
    }
}

extension Array where Element: Hashable {
    /// Each element once, where it stood first.
    var unique: [Element] {
        var seen: Set<Element> = []
        return self.filter { seen.insert($0).inserted }
    }
}

/// How messages leave a queue before their time.
extension MessageStore {
    func delete(
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

    func delete(_ queue: QueueAddress, ids: [MessageID]) async throws(StoreError) {
        _ = try await self.delete(queue, ids: ids, mode: .any, claims: [])
    }

    func delete(
        _ queue: QueueAddress, ids: [MessageID], claims: [String]
    ) async throws(StoreError) -> BulkDeletion {
        switch try await self.delete(queue, ids: ids, mode: .claimed, claims: claims) {
        case "ok": return .deleted
        case "notclaimed": return .notClaimed
        case "other": return .claimedByAnother
        case let answer: throw .corrupt("message_delete.lua answered \(answer)")
        }
    }

    func pop(_ queue: QueueAddress, limit: Int) async throws(StoreError) -> [StoredMessage] {
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

    func purge(_ queue: QueueAddress) async throws(StoreError) {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.queuePurge,
            keys: keys.queue(queue).all + [keys.queueSweeps, keys.postKeyExpiries(of: queue)])
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
        precondition(
            ids.count <= StorageLimits.messageIDsMax, "one call names at most \(StorageLimits.messageIDsMax) messages")
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
