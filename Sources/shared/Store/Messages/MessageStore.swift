package import Domain
import Redis

/// The messages of queues.
///
/// Ids are looked up also when they were not made for the queue: a message that was moved here keeps the id it had.
package struct MessageStore: Sendable {
    let runner: ScriptRunner
    let keySpace: KeySpace
    let directory: QueueDirectory
    let ids: MessageIDs

    /// Appends messages to a queue, all or none, and with them the events its subscribers are notified from.
    ///
    /// A missing queue is created with empty metadata.
    ///
    /// - Parameters:
    ///   - messages: At least one.
    ///   - requestBytes: Bytes of the request as sent, held against the queue's `_max_messages_post_size`.
    ///   - expectsSealing: Whether the queue encrypts, as the caller believes and has sealed the bodies accordingly;
    ///     nil: they are kept as they are.
    /// - Returns: The ids in the order of the messages.
    /// - Throws: ``Refusal/bodyInvalid(_:)`` when the queue takes no request this large; ``SealingDiffers``;
    ///   ``StoreError``.
    package func post(
        _ messages: [MessageDraft], to queue: QueueAddress, by client: ClientID, requestBytes: Int,
        defaults: PostDefaults, expectsSealing: Bool? = nil
    ) async throws -> [MessageID] {
        precondition(!messages.isEmpty, "a post has at least one message")
        let post = Post(
            messages: messages, client: client, requestBytes: requestBytes, defaults: defaults,
            expectsSealing: expectsSealing)
        if let ids = try await self.run(post, on: queue, creating: false) { return ids }
        try await self.directory.register(queue)
        guard let ids = try await self.run(post, on: queue, creating: true) else {
            throw StoreError.corrupt("message_post.lua found no queue although it was to create it")
        }
        try await self.directory.registerCreated(queue)
        return ids
    }

    /// Reads visible messages, oldest first.
    ///
    /// - Parameters:
    ///   - after: The message to start behind; it need not exist any more. One that was never in this queue has nothing
    ///     behind it.
    ///   - limit: The page is this long unless the queue ends before.
    ///   - hiding: Leaves out what this client posted.
    ///   - includeDelayed: Also messages whose delay has not passed.
    ///   - includeClaimed: Also messages under an active claim.
    /// - Throws: ``StoreError/overloaded`` when more lies between the messages of a page than one request may look at.
    package func list(
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

    /// Reads one message, a claimed or delayed one too; nil when there is none, or it has expired, or the id is not of
    /// this queue.
    package func get(_ queue: QueueAddress, id: MessageID) async throws(StoreError) -> StoredMessage? {
        try await self.get(queue, ids: [id]).first
    }

    /// Reads those of the messages that exist, in the order of the ids; one that is named again is read once.
    ///
    /// - Parameter ids: At most ``idsMax``.
    package func get(_ queue: QueueAddress, ids: [MessageID]) async throws(StoreError) -> [StoredMessage] {
        precondition(ids.count <= Self.idsMax, "one call names at most \(Self.idsMax) messages")
        var call = self.call(Scripts.messageGet, queue)
        for id in ids.unique { self.ids.append(id, of: queue, to: &call) }
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.messageGet)
        let now = try reply.timestamp()
        return try self.ids.messages(of: queue, in: &reply, now: now)
    }

    /// Most ids of one call.
    package static let idsMax = 100

    /// The id of the message at a position of a queue, whether one is there or not.
    package func id(at position: Position, in queue: QueueAddress) -> MessageID {
        self.ids.id(at: position, of: queue)
    }

    /// Whether this deployment made the id, for this queue; decided from the id alone, also after the message is gone.
    ///
    /// A message that was moved here has the id of the queue it comes from.
    package func isIssued(_ id: MessageID, in queue: QueueAddress) -> Bool { self.ids.isIssued(id, in: queue) }

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

    /// Removes and returns the oldest messages that could be claimed now; in one step, so that no other client gets them.
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
