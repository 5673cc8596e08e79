import Domain
import HTTPTypes
import NIOCore
import Store
import Wire

/// Messages over HTTP: query and body in, one operation, an answer out.
struct MessageReplies: Sendable {
    let operations: Operations

    func post(_ body: ByteBuffer, to queue: QueueAddress, by client: ClientID) async throws -> Reply {
        let ids = try await self.operations.postMessages(body, to: queue, by: client)
        let path = queue.path + "/messages"
        let itemBytes = path.utf8.count + MessageID.positionCharacters + MessageID.tagCharacters + 4
        // Clients cut the ids out of it, at the commas behind the last equals sign: these are never encoded.
        let location = "\(path)?ids=\(ids.map(\.text).joined(separator: ","))"
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
        }.with(.location, location)
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
            link.write(after: messages.last?.id.text, to: &body)
            body.writeStaticString("}")
        }
    }

    func show(_ text: String, of queue: QueueAddress) async throws -> Reply {
        let message = try await self.operations.getMessage(text, in: queue)
        return Reply.json(.ok, capacity: Self.capacity(of: [message])) { Self.write(message, of: queue, to: &$0) }
    }

    private func select(_ ids: [String], of queue: QueueAddress) async throws -> Reply {
        let countMax = self.operations.limits.messagePageMax
        guard ids.count <= countMax else { throw Refusal.requestInvalid("ids may hold at most \(countMax) ids") }
        let messages = try await self.operations.getMessages(ids, in: queue)
        guard !messages.isEmpty else { throw Refusal.messageNotFound }
        return Reply.json(.ok, capacity: Self.capacity(of: messages)) { body in
            Self.write(messages, of: queue, to: &body)
            body.writeStaticString("}")
        }
    }

    private static func capacity(of messages: [StoredMessage]) -> Int {
        messages.reduce(128) { $0 + $1.body.count + 256 }
    }

    /// Writes the array and its name, the object left open.
    private static func write(_ messages: [StoredMessage], of queue: QueueAddress, to body: inout ByteBuffer) {
        body.writeStaticString(#"{"messages":["#)
        for (index, message) in messages.enumerated() {
            if index > 0 { body.writeStaticString(",") }
            Self.write(message, of: queue, to: &body)
        }
        body.writeStaticString("]")
    }

    /// These five members and no other: a client passes the object on as arguments and fails on unknown names.
    private static func write(_ message: StoredMessage, of queue: QueueAddress, to body: inout ByteBuffer) {
        body.writeStaticString(#"{"id":""#)
        body.writeString(message.id.text)
        body.writeStaticString(#"","href":""#)
        body.writeString(queue.path)
        body.writeStaticString("/messages/")
        body.writeString(message.id.text)
        body.writeStaticString(#"","ttl":"#)
        body.writeJSON(message.ttl)
        body.writeStaticString(#","age":"#)
        body.writeJSON(message.age)
        body.writeStaticString(#","body":"#)
        body.writeBytes(message.body)
        body.writeStaticString("}")
    }
}
