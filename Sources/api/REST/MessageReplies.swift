import Domain
import HTTPTypes
import JSON
import NIOCore
import Signing
import Store

/// Messages over HTTP: query and body in, one operation, an answer out.
struct MessageReplies: Sendable {
    let operations: Operations

    func post(_ body: ByteBuffer, to queue: QueueAddress, by client: ClientID) async throws -> Reply {
        let ids = try await self.operations.postMessages(body, to: queue, by: client)
        let path = queue.path + "/messages"
        let itemBytes = path.utf8.count + MessageID.characters + 4
        return Reply.json(.created, capacity: 16 + ids.count * itemBytes) { body in
            body.writeStaticString(#"{"resources":["#)
            for (index, id) in ids.enumerated() {
                body.writeStaticString(index == 0 ? "\"" : ",\"")
                body.writeString(path)
                body.writeStaticString("/")
                body.writeString(id.text)
                body.writeStaticString("\"")
            }
            body.writeStaticString("]}")
        }.with(.location, Self.location(of: ids, at: path, countMax: self.operations.idsMax))
    }

    /// Bytes of a `Location`: it stays far below what clients and proxies take for a header or for the target of a request.
    private static let locationBytesMax = 4096

    /// Where the first messages of a post can be got: as many as one request may ask for.
    ///
    /// Clients cut the ids out of it, at the commas behind the last equals sign: these are never encoded. The body of the
    /// answer has all of them.
    private static func location(of ids: [MessageID], at path: String, countMax: Int) -> String {
        let start = "\(path)?ids="
        let fitting = (Self.locationBytesMax - start.utf8.count) / (MessageID.characters + 1)
        return start + ids.prefix(max(1, min(countMax, fitting))).map(\.text).joined(separator: ",")
    }

    /// A page of the queue or, when there are `ids`, those messages.
    func list(_ queue: QueueAddress, for client: ClientID, _ query: Query) async throws -> Reply {
        let ids = query.list("ids")
        if !ids.isEmpty { return try await self.select(ids, of: queue) }
        var link = PageLink(path: queue.path + "/messages")
        let limit = try query.limit(max: self.operations.limits.messagePageMax)
        let echo = try query.boolean("echo")
        let includeClaimed = try query.boolean("include_claimed")
        let includeDelayed = try query.boolean("include_delayed")
        link.add("limit", try query.integer("limit"))
        link.add("echo", echo)
        link.add("include_claimed", includeClaimed)
        link.add("include_delayed", includeDelayed)
        let messages = try await self.operations.listMessages(
            of: queue,
            MessageListingRequest(
                marker: query.text("marker"), limit: limit, hidden: echo ?? false ? nil : client,
                includesClaimed: includeClaimed ?? false, includesDelayed: includeDelayed ?? false))
        return Reply.json(.ok, capacity: Self.capacity(of: messages)) { body in
            Self.write(messages, of: queue, to: &body)
            body.writeStaticString(#","links":"#)
            link.write(after: messages.last?.stored.id.text, to: &body)
            body.writeStaticString("}")
        }
    }

    func show(_ text: String, of queue: QueueAddress) async throws -> Reply {
        let message = try await self.operations.getMessage(text, in: queue)
        return Reply.json(.ok, capacity: Self.capacity(of: [message])) {
            Self.write(message, under: queue.path, to: &$0)
        }
    }

    func delete(_ text: String, of queue: QueueAddress, _ query: Query) async throws -> Reply {
        try await self.operations.deleteMessage(text, under: query.text("claim_id"), in: queue)
        return .empty(.noContent)
    }

    /// Deletes messages by their ids, or pops some.
    func remove(from queue: QueueAddress, for client: ClientID, _ query: Query) async throws -> Reply {
        let ids = query.list("ids")
        let claims = query.list("claim_ids")
        let count = try query.integer("pop", in: 1...self.operations.claimMessagesMax)
        if let count {
            guard ids.isEmpty else { throw Refusal.requestInvalid("pop and ids cannot be given together.") }
            return try await self.pop(count, from: queue, for: client)
        }
        try self.checkNumber(of: ids)
        guard !ids.isEmpty else { throw Refusal.requestInvalid("ids or pop has to be given.") }
        guard !claims.isEmpty || !self.operations.modes.deletesOnlyClaimed else {
            throw Refusal.requestInvalid("claim_ids has to be given beside ids.")
        }
        try await self.operations.deleteMessages(ids, under: claims, in: queue)
        return .empty(.noContent)
    }

    private func pop(_ count: Int, from queue: QueueAddress, for client: ClientID) async throws -> Reply {
        let messages = try await self.operations.popMessages(of: queue, limit: count, by: client)
        return Reply.json(.ok, capacity: Self.capacity(of: messages)) { body in
            body.writeStaticString(#"{"messages":["#)
            for (index, message) in messages.enumerated() {
                if index > 0 { body.writeStaticString(",") }
                body.writeStaticString(#"{"id":""#)
                body.writeString(message.stored.id.text)
                Self.writeLife(of: message, to: &body)
                // A popped message is under no claim: who has it has it for good.
                body.writeStaticString(#","claim_id":null,"claim_count":"#)
                body.writeJSON(message.stored.claimCount)
                body.writeStaticString("}")
            }
            body.writeStaticString("]}")
        }
    }

    private func select(_ ids: [String], of queue: QueueAddress) async throws -> Reply {
        try self.checkNumber(of: ids)
        let messages = try await self.operations.getMessages(ids, in: queue)
        guard !messages.isEmpty else { throw Refusal.messageNotFound }
        return Reply.json(.ok, capacity: Self.capacity(of: messages)) { body in
            Self.write(messages, of: queue, to: &body)
            body.writeStaticString("}")
        }
    }

    /// Counted as they came, with repetitions.
    private func checkNumber(of ids: [String]) throws(Refusal) {
        let countMax = self.operations.idsMax
        guard ids.count <= countMax else { throw .requestInvalid("ids may hold at most \(countMax) ids") }
    }

    static func capacity(of messages: [PlainMessage]) -> Int {
        messages.reduce(128) { $0 + $1.body.count + 256 }
    }

    /// Writes the array and its name, the object left open.
    static func write(_ messages: [PlainMessage], of queue: QueueAddress, to body: inout ByteBuffer) {
        let path = queue.path
        body.writeStaticString(#"{"messages":["#)
        for (index, message) in messages.enumerated() {
            if index > 0 { body.writeStaticString(",") }
            Self.write(message, under: path, to: &body)
        }
        body.writeStaticString("]")
    }

    /// These members, the checksum where there is one, and no other: a client passes the object on as arguments and
    /// fails on unknown names.
    ///
    /// Another takes what stands behind the last equals sign of the href for the claim: it is the only parameter there,
    /// and only while the claim is active.
    ///
    /// - Parameter path: Of its queue.
    private static func write(_ message: PlainMessage, under path: String, to body: inout ByteBuffer) {
        body.writeStaticString(#"{"id":""#)
        body.writeString(message.stored.id.text)
        body.writeStaticString(#"","href":""#)
        body.writeString(path)
        body.writeStaticString("/messages/")
        body.writeString(message.stored.id.text)
        if let claim = message.stored.claim {
            body.writeStaticString("?claim_id=")
            body.writeString(claim.text)
        }
        Self.writeLife(of: message, to: &body)
        body.writeStaticString("}")
    }

    /// What every form of a message has behind its name, from the quote that ends it.
    private static func writeLife(of message: PlainMessage, to body: inout ByteBuffer) {
        body.writeStaticString(#"","ttl":"#)
        body.writeJSON(message.stored.ttl)
        body.writeStaticString(#","age":"#)
        body.writeJSON(message.stored.age)
        body.writeStaticString(#","body":"#)
        body.writeBytes(message.body)
        if let checksum = message.stored.checksum {
            body.writeStaticString(#","checksum":"#)
            body.writeJSON(BodyChecksum.text(ofDigest: checksum))
        }
    }
}
