package import Domain

/// What became of a post.
package enum PostOutcome: Sendable, Equatable {
    /// The ids in the order of the messages, and how far these got.
    case posted([MessageID], Durability)
    /// It was posted before, by its key: what that was answered.
    case repeated([MessageID], Durability)
    /// Another request was posted with its key; nothing was written.
    case keyTaken
    /// The queue is not what the caller expected, but this; nothing was written.
    case traitsDiffer(QueueTraits)
}

/// The messages of the queues of one store.
///
/// Messages have positions that grow and are never used twice, also not after the queue was deleted; ids are made from
/// positions. An expired message is gone for every reader from that moment on.
///
/// Ids are looked up also when they were not made for the queue: a message that was moved here keeps the id it had.
package protocol MessageStorage: Sendable {
    /// Appends messages to a queue, all or none, and with them the events its subscribers are notified from.
    ///
    /// A missing queue is created with empty metadata.
    ///
    /// - Parameters:
    ///   - messages: At least one.
    ///   - requestBytes: Bytes of the request as sent, held against the queue's `_max_messages_post_size`.
    ///   - key: By what it is known again; nil: each request is another post.
    ///   - traits: Of the queue, as the caller believes and has sealed the bodies accordingly; nil: they are kept as they are.
    /// - Throws: ``Refusal/bodyInvalid(_:)`` when the queue takes no request this large; ``StoreError``, of which
    ///   ``StoreError/notReached(_:)`` says that the messages are there.
    func post(
        _ messages: [MessageDraft], to queue: QueueAddress, by client: ClientID, requestBytes: Int,
        defaults: PostDefaults, key: PostKey?, expecting traits: QueueTraits?
    ) async throws -> PostOutcome

    /// What a post with that key was answered; nil: there was none, or its key is over.
    func repeated(_ key: PostKey, to queue: QueueAddress) async throws -> PostOutcome?

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
    func list(
        _ queue: QueueAddress, after: MessageID?, limit: Int, hiding: ClientID?, includeDelayed: Bool,
        includeClaimed: Bool
    ) async throws(StoreError) -> [StoredMessage]

    /// Reads what there is behind a place, oldest first: each message that is kept, whatever its state, and each gap between them.
    ///
    /// No message that was posted is passed over without a gap being reported.
    ///
    /// - Parameter limit: Messages; there may be fewer although there are more.
    func follow(_ queue: QueueAddress, from start: FollowStart, limit: Int) async throws(StoreError) -> Followed

    /// Reads one message, a claimed or delayed one too; nil when there is none, or it has expired, or the id is not of
    /// this queue.
    func get(_ queue: QueueAddress, id: MessageID) async throws(StoreError) -> StoredMessage?

    /// Reads those of the messages that exist, in the order of the ids; one that is named again is read once.
    ///
    /// - Parameter ids: At most ``StorageLimits/messageIDsMax``.
    func get(_ queue: QueueAddress, ids: [MessageID]) async throws(StoreError) -> [StoredMessage]

    /// The id of the message at a position of a queue, whether one is there or not.
    func id(at position: Position, in queue: QueueAddress) -> MessageID

    /// Whether this deployment made the id, for this queue; decided from the id alone, also after the message is gone.
    ///
    /// A message that was moved here has the id of the queue it comes from.
    func isIssued(_ id: MessageID, in queue: QueueAddress) -> Bool

    /// Deletes one message (Messaging API v2, "Delete one").
    ///
    /// - Parameter claim: As the caller wrote it; text that cannot be a claim's id is an unknown claim.
    func delete(
        _ queue: QueueAddress, id: MessageID, claim: String?
    ) async throws(StoreError) -> MessageDeletion

    /// Deletes messages whether or not they are claimed or exist.
    ///
    /// - Parameter ids: At most ``StorageLimits/messageIDsMax``.
    func delete(_ queue: QueueAddress, ids: [MessageID]) async throws(StoreError)

    /// Deletes messages that must all be under one of these active claims.
    ///
    /// Those that do not exist are skipped.
    ///
    /// - Parameters:
    ///   - ids: At most ``StorageLimits/messageIDsMax``.
    ///   - claims: As the caller wrote them; text that cannot be a claim's id is ignored.
    func delete(
        _ queue: QueueAddress, ids: [MessageID], claims: [String]
    ) async throws(StoreError) -> BulkDeletion

    /// Removes and returns the oldest messages that could be claimed now; in one step, so that no other client gets them.
    ///
    /// - Returns: Up to `limit`; fewer also when more than one call may look at lies between them.
    func pop(_ queue: QueueAddress, limit: Int) async throws(StoreError) -> [StoredMessage]

    /// Removes every message of a queue, claimed and delayed ones too, with their claims.
    ///
    /// The queue stays.
    func purge(_ queue: QueueAddress) async throws(StoreError)
}

extension MessageStorage {
    /// ``post(_:to:by:requestBytes:defaults:key:expecting:)`` of bodies that are kept as they are, without a key.
    ///
    /// - Returns: The ids in the order of the messages.
    package func post(
        _ messages: [MessageDraft], to queue: QueueAddress, by client: ClientID, requestBytes: Int,
        defaults: PostDefaults
    ) async throws -> [MessageID] {
        let outcome = try await self.post(
            messages, to: queue, by: client, requestBytes: requestBytes, defaults: defaults, key: nil,
            expecting: nil)
        guard case .posted(let ids, _) = outcome else {
            throw StoreError.corrupt("a post that expects nothing of its queue was refused for it")
        }
        return ids
    }
}
