import Domain

/// What claims did to a message; `claim_create.lua` writes it, and only messages that were ever claimed have it.
///
/// ```
/// id of the claim, or nothing once it has ended | `|` | times claimed | `|` | shown ttl, s, or nothing
/// ```
struct MessageState {
    var claim: ClaimID?
    var count = 0
    var ttl: Int?

    /// - Parameter bytes: Empty for a message no claim ever touched.
    init(_ bytes: [UInt8]) throws(StoreError) {
        guard !bytes.isEmpty else { return }
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "|", omittingEmptySubsequences: false)
        self.claim = ClaimID(String(parts[0]))
        guard parts.count == 3, let count = Int(parts[1]), parts[0].isEmpty || self.claim != nil,
            parts[2].isEmpty || Int(parts[2]) != nil
        else { throw .corrupt("the state of a message") }
        self.count = count
        self.ttl = Int(parts[2])
    }
}

extension MessageIDs {
    /// Reads the three columns in which scripts answer a message: position, record, state.
    func message(of queue: QueueAddress, in reply: inout ReplyReader, now: Timestamp) throws(StoreError)
        -> StoredMessage
    {
        try self.placed(of: queue, in: &reply, now: now).message
    }

    /// The same, and where it lies, which the id of one that was moved here does not say.
    func placed(
        of queue: QueueAddress, in reply: inout ReplyReader, now: Timestamp
    ) throws(StoreError) -> (position: Position, message: StoredMessage) {
        let position = try reply.position()
        let record = try MessageRecord(try reply.bytes())
        let state = try MessageState(try reply.bytes())
        let message = StoredMessage(
            id: record.originID ?? self.id(at: position, of: queue), ttl: state.ttl ?? record.ttl,
            age: now.wholeSeconds(since: record.createdAt(at: position)), delay: record.delay,
            claim: state.claim, claimCount: state.count, checksum: record.checksum, isSealed: record.isSealed,
            body: record.body)
        return (position, message)
    }

    /// All messages that are left in a reply.
    func messages(
        of queue: QueueAddress, in reply: inout ReplyReader, now: Timestamp
    ) throws(StoreError) -> [StoredMessage] {
        var messages: [StoredMessage] = []
        while !reply.isAtEnd { messages.append(try self.message(of: queue, in: &reply, now: now)) }
        return messages
    }
}
