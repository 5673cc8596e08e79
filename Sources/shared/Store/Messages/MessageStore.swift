package import Domain
import Redis
import Signing

/// The messages of queues.
package struct MessageStore: Sendable {
    let runner: ScriptRunner
    let keyring: Keyring
    let names: QueueNames
    let tagger: MessageTagger

    /// Appends messages to a queue, all or none, and with them the events its subscribers are notified from.
    ///
    /// A missing queue is created with empty metadata.
    ///
    /// - Parameters:
    ///   - messages: At least one.
    ///   - requestBytes: Bytes of the request as sent, held against the queue's `_max_messages_post_size`.
    /// - Returns: The ids in the order of the messages.
    /// - Throws: ``Refusal/bodyInvalid(_:)`` when the queue takes no request this large; ``StoreError``.
    package func post(
        _ messages: [MessageDraft], to queue: QueueAddress, by client: ClientID, requestBytes: Int,
        defaults: PostDefaults
    ) async throws -> [MessageID] {
        precondition(!messages.isEmpty, "a post has at least one message")
        let post = Post(messages: messages, client: client, requestBytes: requestBytes, defaults: defaults)
        if let ids = try await self.run(post, on: queue, creating: false) { return ids }
        // The name is written before the queue, so that none exists unseen, and again after it, so that a deletion that
        // came between cannot hide it.
        try await self.names.add(queue)
        guard let ids = try await self.run(post, on: queue, creating: true) else {
            throw StoreError.corrupt("post.lua found no queue although it was to create it")
        }
        try await self.names.add(queue)
        return ids
    }

    /// Reads visible messages, oldest first.
    ///
    /// - Parameters:
    ///   - after: The message to start behind; it need not exist any more.
    ///   - limit: The page is this long unless the queue ends before.
    ///   - hiding: Leaves out what this client posted.
    ///   - includeDelayed: Also messages whose delay has not passed.
    ///   - includeClaimed: Also messages under an active claim. None can be claimed yet, so it changes nothing.
    /// - Throws: ``StoreError/overloaded`` when more lies between the messages of a page than one request may look at.
    package func list(
        _ queue: QueueAddress, after: MessageID?, limit: Int, hiding: ClientID?, includeDelayed: Bool,
        includeClaimed: Bool
    ) async throws(StoreError) -> [StoredMessage] {
        let keys = self.keyring.shard(of: queue)
        let mark = hiding.map { self.tagger.clientMark($0) } ?? []
        var behind = after.map { String($0.position.value) } ?? ""
        var messages: [StoredMessage] = []
        for _ in 0..<ScriptRunner.roundsMax {
            var call = self.runner.call(Scripts.list, keys: [keys.meta(queue), keys.log(queue)])
            call.append(behind)
            call.append(limit - messages.count)
            call.append(includeDelayed ? 1 : 0)
            call.append(mark)
            var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.list)
            let now = try reply.timestamp()
            behind = try reply.text()
            while !reply.isAtEnd {
                messages.append(
                    try self.message(of: queue, at: try reply.position(), record: try reply.bytes(), now: now))
            }
            if behind.isEmpty { return messages }
        }
        throw .overloaded
    }

    /// Reads one message, a delayed one too; nil when there is none, or it has expired, or the id is not of this queue.
    package func get(_ queue: QueueAddress, id: MessageID) async throws(StoreError) -> StoredMessage? {
        try await self.get(queue, ids: [id]).first
    }

    /// Reads messages in the order of their ids as given; those that cannot be found are left out.
    package func get(_ queue: QueueAddress, ids: [MessageID]) async throws(StoreError) -> [StoredMessage] {
        var call = self.runner.call(Scripts.get, keys: [self.keyring.shard(of: queue).log(queue)])
        for id in ids where self.isIssued(id, in: queue) { call.append(id.position.value) }
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.get)
        let now = try reply.timestamp()
        var messages: [StoredMessage] = []
        while !reply.isAtEnd {
            messages.append(try self.message(of: queue, at: try reply.position(), record: try reply.bytes(), now: now))
        }
        return messages
    }

    /// The id of the message at a position of a queue, whether one is there or not.
    package func id(at position: Position, in queue: QueueAddress) -> MessageID {
        MessageID(position: position, tag: self.tagger.tag(queue: queue, position: position))
    }

    /// Whether this house made the id, for this queue; decided from the id alone, also after the message is gone.
    package func isIssued(_ id: MessageID, in queue: QueueAddress) -> Bool {
        let tag = self.tagger.tag(queue: queue, position: id.position)
        return ConstantTime.equal(tag, Array(id.text.utf8.suffix(MessageID.tagCharacters)))
    }
}
