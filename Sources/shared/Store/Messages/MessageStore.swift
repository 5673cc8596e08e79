package import Domain
import Redis

/// The messages of queues.
///
/// Ids are looked up also when they were not made for the queue: a message that was moved here keeps the id it had.
package struct MessageStore: Sendable {
    let runner: ScriptRunner
    let keySpace: KeySpace
    let register: QueueRegister
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
        try await self.register.add(queue)
        guard let ids = try await self.run(post, on: queue, creating: true) else {
            throw StoreError.corrupt("message_post.lua found no queue although it was to create it")
        }
        try await self.register.keep(queue)
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

    /// Whether this house made the id, for this queue; decided from the id alone, also after the message is gone.
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
