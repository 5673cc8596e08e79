import Documents
package import Domain
import Logging
import NIOCore
import Placement
import Runtime
package import Signing
package import Store

/// Which messages of a queue to list.
package struct MessageListRequest: Sendable {
    /// The id of the message to continue after, as the caller wrote it; nil: from the oldest.
    package var marker: String?
    /// Messages of the page; nil: the default.
    package var limit: Int?
    /// Whether the caller's own messages are listed too.
    package var echo: Bool
    package var includesClaimed: Bool
    package var includesDelayed: Bool

    package init(
        marker: String? = nil, limit: Int? = nil, echo: Bool = false, includesClaimed: Bool = false,
        includesDelayed: Bool = false
    ) {
        self.marker = marker
        self.limit = limit
        self.echo = echo
        self.includesClaimed = includesClaimed
        self.includesDelayed = includesDelayed
    }
}

/// Which messages to remove from a queue: those of some ids, or the oldest.
package struct MessageRemovalRequest: Sendable {
    /// As the caller wrote them; none when messages are popped.
    package var ids: [String]
    /// The claims the messages are under, as the caller wrote them.
    package var claims: [String]
    /// How many to pop; nil: those of the ids are deleted.
    package var pop: Int?

    package init(ids: [String] = [], claims: [String] = [], pop: Int? = nil) {
        self.ids = ids
        self.claims = claims
        self.pop = pop
    }
}

/// An encrypted body cannot be decrypted: its key is not configured any more, or the record was changed.
///
/// The whole request fails then. A message left out, or its cipher text shown, would look like a message.
package struct BodyUnreadable: Error, Equatable {
    package let message: MessageID
    package let reason: VaultError
}

/// What a post has stored.
package struct PostedMessages: Sendable {
    /// In the order of the request.
    package let ids: [MessageID]
    /// How far they got.
    package let durability: Durability
    /// Whether a post before stored them, by its key.
    package let isRepeated: Bool
}

extension Operations {
    /// Puts messages at the end of a queue, all or none, and makes the queue if it is not there.
    ///
    /// When it returns, messages and the event for their subscribers are kept by one atomic step. What a queue wants
    /// encrypted is sealed before it leaves this process.
    ///
    /// - Parameters:
    ///   - requestBytes: Of the whole request, which the queue may limit.
    ///   - provenance: What the request says of the way they came.
    ///   - key: By what it is known again; nil: each request is another post.
    /// - Throws: ``Refusal/postKeyTaken`` when another request had the key.
    package func postMessages(
        _ drafts: [MessageDraft], to queue: QueueAddress, by client: ClientID, requestBytes: Int,
        provenance: Provenance = .none, key: PostKey? = nil
    ) async throws -> PostedMessages {
        var drafts = try self.checked(drafts)
        if provenance != .none { for index in drafts.indices { drafts[index].provenance = provenance } }
        let limits = try await self.projects.limits(of: queue.project)
        try await self.rates.admit(drafts.count, to: queue.project, rate: limits.posts)
        let bytes =
            limits.bytes == 0
            ? 0
            : drafts.reduce(key == nil ? 0 : PostKey.bytes) {
                $0 + $1.body.readableBytes + StorageLimits.recordHeadBytes
            }
        do { try await self.usage.admit(bytes: bytes, to: queue.project, max: limits.bytes) } catch {
            // Once it is stored, a repeat of it must not look like one that never was.
            if let key, let repeated = try await self.repeated(key, to: queue) { return repeated }
            throw error
        }
        do {
            let posted = try await self.stores.making(queue, queuesMax: limits.queues) { [drafts] place in
                try await self.post(
                    drafts, to: queue, by: client, requestBytes: requestBytes, key: key, on: place.store)
            }
            if posted.isRepeated { self.usage.release(bytes: bytes, of: queue.project, max: limits.bytes) }
            return posted
        } catch {
            if (error as? StoreError)?.mayHaveWritten != true {
                self.usage.release(bytes: bytes, of: queue.project, max: limits.bytes)
            }
            throw error
        }
    }

    private func post(
        _ drafts: [MessageDraft], to queue: QueueAddress, by client: ClientID, requestBytes: Int, key: PostKey?,
        on store: Store
    ) async throws -> PostedMessages {
        if key != nil { try Self.check("Idempotency-Key", StoreFormat.ofPostKeys, on: store) }
        var traits: QueueTraits
        if let known = self.traits[queue] {
            traits = known
        } else {
            traits = try await store.queues.traits(of: queue)
        }
        for _ in 0..<Self.traitChangesMax {
            let outcome = try await store.messages.post(
                traits.encryptsMessages ? drafts.map { self.sealed($0, for: queue) } : drafts, to: queue, by: client,
                requestBytes: requestBytes, defaults: PostDefaults(ttl: self.limits.messageTTLDefault), key: key,
                expecting: traits)
            if case .traitsDiffer(let found) = outcome { traits = found }
            self.traits[queue] = traits
            if let posted = try PostedMessages(outcome) { return posted }
        }
        throw StoreError.contended
    }

    /// Posts of one request that were refused because the traits of the queue were changed meanwhile, and are repeated.
    private static let traitChangesMax = 32

    private func sealed(_ draft: MessageDraft, for queue: QueueAddress) -> MessageDraft {
        var draft = draft
        draft.body = ByteBuffer(
            bytes: SealedBody.seal(draft.body.readableBytesUInt8Span, for: queue, in: self.vault))
        draft.isSealed = true
        return draft
    }

    /// Refuses what is out of range, and records checksums where the operator wants them.
    private func checked(_ drafts: [MessageDraft]) throws(Refusal) -> [MessageDraft] {
        let ttls = Limits.ttlMin...self.limits.messageTTLMax
        let delays = 0...self.limits.messageDelayMax
        for draft in drafts {
            if let ttl = draft.ttl, !ttls.contains(ttl) {
                throw .requestInvalid(
                    "The ttl of a message has to lie between \(ttls.lowerBound) and \(ttls.upperBound) seconds.")
            }
            if let delay = draft.delay, !delays.contains(delay) {
                throw .requestInvalid(
                    "The delay of a message has to lie between \(delays.lowerBound) and \(delays.upperBound) seconds.")
            }
        }
        guard let checksum = self.options.checksum else { return drafts }
        return try drafts.map { draft throws(Refusal) in
            var draft = draft
            draft.checksum = try PostBody.canonicalText(of: draft).map(checksum.digest)
            return draft
        }
    }

    /// A page of messages, oldest first.
    ///
    /// A queue that is not there, or a marker it never issued, lists nothing.
    ///
    /// - Parameter wait: For how long to wait where there are none.
    package func listMessages(
        of queue: QueueAddress, _ request: MessageListRequest, by client: ClientID, wait: MessageWait? = nil
    ) async throws -> [MessageView] {
        let limit = try Self.pageSize(request.limit, max: self.limits.messagePageMax)
        var after: MessageID?
        if let marker = request.marker {
            guard let id = MessageID(marker) else {
                try await self.ping(for: queue)
                return []
            }
            after = id
        }
        let store = try await self.store(of: queue)
        let start = after
        let messages = try await self.found(in: queue, of: store, to: .read, wait) {
            let messages = try await store.messages.list(
                queue, after: start, limit: limit, hiding: request.echo ? nil : client,
                includeDelayed: request.includesDelayed, includeClaimed: request.includesClaimed)
            return messages.isEmpty ? nil : messages
        }
        return try self.opened(messages ?? [], of: queue, by: store)
    }

    /// One message, claimed, delayed or one's own, as long as it lives.
    ///
    /// - Throws: ``Refusal/messageNotFound``, also for texts that are no id and ids of other queues.
    package func getMessage(_ text: String, in queue: QueueAddress) async throws -> MessageView {
        guard let message = try await self.foundMessages([text], in: queue).first else { throw Refusal.messageNotFound }
        return message
    }

    /// Several messages in the order asked for, each once; those that cannot be found are left out.
    ///
    /// - Parameter texts: At most ``idsMax``, counted as they came, with repetitions.
    /// - Throws: ``Refusal/messageNotFound`` when none is found, ``Refusal/requestInvalid(_:)`` for too many ids.
    package func getMessages(_ texts: [String], in queue: QueueAddress) async throws -> [MessageView] {
        try self.checkNumber(of: texts)
        let messages = try await self.foundMessages(texts, in: queue)
        guard !messages.isEmpty else { throw Refusal.messageNotFound }
        return messages
    }

    func foundMessages(_ texts: [String], in queue: QueueAddress) async throws -> [MessageView] {
        let ids = texts.compactMap(MessageID.init)
        guard !ids.isEmpty else {
            try await self.ping(for: queue)
            return []
        }
        let store = try await self.store(of: queue)
        return try self.opened(try await store.messages.get(queue, ids: ids), of: queue, by: store)
    }

    /// Ids one request may name: what a page may hold, as far as the store takes them in one step.
    package var idsMax: Int { min(self.limits.messagePageMax, StorageLimits.messageIDsMax) }

    private func checkNumber(of ids: [String]) throws(Refusal) {
        guard ids.count <= self.idsMax else { throw .requestInvalid("ids may hold at most \(self.idsMax) ids") }
    }

    /// Deletes messages by their ids, or pops some: one of both.
    ///
    /// - Returns: What was popped; nil when messages were deleted by their ids.
    /// - Throws: ``Refusal/requestInvalid(_:)``, ``Refusal/messageClaimed``, ``Refusal/messageNotClaimed(_:)`` or
    ///   ``BodyUnreadable``.
    package func removeMessages(
        from queue: QueueAddress, _ request: MessageRemovalRequest, by client: ClientID
    ) async throws -> [MessageView]? {
        if let count = request.pop {
            let counts = 1...self.claimMessagesMax
            guard counts.contains(count) else { throw Self.outOfRange("pop", counts) }
            guard request.ids.isEmpty else { throw Refusal.requestInvalid("pop and ids cannot be given together.") }
            return try await self.popMessages(of: queue, limit: count, by: client)
        }
        try self.checkNumber(of: request.ids)
        guard !request.ids.isEmpty else { throw Refusal.requestInvalid("ids or pop has to be given.") }
        guard !request.claims.isEmpty || !self.options.deletesOnlyClaimed else {
            throw Refusal.requestInvalid("claim_ids has to be given beside ids.")
        }
        try await self.deleteMessages(request.ids, under: request.claims, in: queue)
        return nil
    }

    /// Deletes messages by their ids.
    ///
    /// What is not there is skipped.
    ///
    /// Claims do not protect messages here, unless the operator wants them to: then every message that is there must be
    /// under one of the claims, or nothing is deleted.
    ///
    /// - Parameter claims: Ids of claims as the caller wrote them.
    private func deleteMessages(_ texts: [String], under claims: [String], in queue: QueueAddress) async throws {
        let ids = texts.compactMap(MessageID.init)
        guard !ids.isEmpty else { return try await self.ping(for: queue) }
        let messages = try await self.store(of: queue).messages
        guard self.options.deletesOnlyClaimed else { return try await messages.delete(queue, ids: ids) }
        switch try await messages.delete(queue, ids: ids, claims: claims) {
        case .deleted: break
        case .notClaimed: throw Refusal.messageNotClaimed("A message is not under an active claim.")
        case .claimedByAnother: throw Refusal.messageClaimed
        }
    }

    /// Deletes one message.
    ///
    /// One that is not there is no error.
    ///
    /// - Parameter claim: As the caller wrote it; nil: the caller holds no claim.
    /// - Throws: ``Refusal/messageClaimed`` or ``Refusal/messageNotClaimed(_:)``. The latter tells a worker whose claim
    ///   ran out that another client may have the message by now.
    package func deleteMessage(_ text: String, under claim: String?, in queue: QueueAddress) async throws {
        guard let id = MessageID(text) else { return try await self.ping(for: queue) }
        switch try await self.store(of: queue).messages.delete(queue, id: id, claim: claim) {
        case .deleted: break
        case .claimed, .claimedByAnother: throw Refusal.messageClaimed
        case .notClaimed: throw Refusal.messageNotClaimed("The claim is not active, or does not hold the message.")
        }
    }

    /// Removes and returns the oldest messages that are under no claim.
    ///
    /// None, when there are none or no such queue.
    ///
    /// - Throws: ``BodyUnreadable`` when none of them opens. They were taken out already, so those that do not open are
    ///   put back: at the end, under new ids, sealed as they are. A key that is missing for a while loses nothing.
    private func popMessages(of queue: QueueAddress, limit: Int, by client: ClientID) async throws -> [MessageView] {
        var popped: [MessageView] = []
        var unreadable: [(message: StoredMessage, error: BodyUnreadable)] = []
        let store = try await self.store(of: queue)
        for message in try await store.messages.pop(queue, limit: limit) {
            do throws(BodyUnreadable) {
                popped.append(try self.view(of: message, in: queue, by: store))
            } catch {
                unreadable.append((message, error))
            }
        }
        guard let first = unreadable.first else { return popped }
        self.logger.error(
            "Popped messages do not open and are put back",
            metadata: [
                LogKey.queueName: "\(queue.name)", LogKey.error: "\(first.error.reason)",
                "messages": "\(unreadable.count)",
            ])
        try await self.putBack(unreadable.map(\.message), into: queue, by: client)
        guard !popped.isEmpty else { throw first.error }
        return popped
    }

    private func putBack(_ messages: [StoredMessage], into queue: QueueAddress, by client: ClientID) async throws {
        let drafts = messages.map { message in
            MessageDraft(
                ttl: max(1, message.ttl - message.age), delay: 0, body: ByteBuffer(bytes: message.body),
                checksum: message.checksum, isSealed: true)
        }
        let defaults = PostDefaults(ttl: self.limits.messageTTLDefault)
        _ = try await self.stores.making(queue) { place in
            try await place.store.messages.post(drafts, to: queue, by: client, requestBytes: 0, defaults: defaults)
        }
    }

    /// Opens what is sealed.
    ///
    /// - Parameter store: Where the messages were read.
    func opened(
        _ messages: [StoredMessage], of queue: QueueAddress, by store: Store
    ) throws(BodyUnreadable) -> [MessageView] {
        try messages.map { message throws(BodyUnreadable) in
            try self.view(of: message, in: queue, by: store)
        }
    }

    func view(
        of message: StoredMessage, in queue: QueueAddress, by store: Store
    ) throws(BodyUnreadable) -> MessageView {
        MessageView(
            message, body: try self.body(of: message, in: queue, by: store),
            checksum: message.checksum.map { BodyChecksum.text(ofDigest: $0) })
    }

    private func body(
        of message: StoredMessage, in queue: QueueAddress, by store: Store
    ) throws(BodyUnreadable) -> ArraySlice<UInt8> {
        message.isSealed ? try self.body(message.body, of: message.id, in: queue, by: store) : message.body
    }

    /// Opens a sealed body.
    func body(
        _ sealed: ArraySlice<UInt8>, of message: MessageID, in queue: QueueAddress, by store: Store
    ) throws(BodyUnreadable) -> ArraySlice<UInt8> {
        let opened: SealedBody.Opened
        do {
            opened = try SealedBody.open(sealed, of: queue.project, in: self.vault)
        } catch {
            throw BodyUnreadable(message: message, reason: error)
        }
        // Only a message that was moved here may have been sealed elsewhere, and it still has the id it was given there.
        guard opened.queue == queue || store.messages.isIssued(message, in: opened.queue) else {
            throw BodyUnreadable(message: message, reason: .forged)
        }
        return opened.body[...]
    }
}
