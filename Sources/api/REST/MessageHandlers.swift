import Documents
import Domain
import HTTPServer
import NIOCore
import Operations

/// Messages over HTTP: query and body in, one operation, an answer out.
struct MessageHandlers: Sendable {
    let operations: Operations

    func post(_ request: ReceivedRequest) async throws -> Reply {
        let drafts = try PostBody.drafts(of: request.body, countMax: self.operations.limits.postMessagesMax)
        let key = try self.operations.postKey(request.head.idempotencyKey, of: request.body)
        let posted = try await self.operations.postMessages(
            drafts, to: request.queue, by: request.client, requestBytes: request.body.readableBytes,
            provenance: request.head.provenance, key: key)
        let reply = Reply.json(.created, MessageDocument.posted(posted.ids, to: request.queue))
            .with(.location, Self.location(of: posted.ids, in: request.queue, countMax: self.operations.idsMax))
            .with(.heraldDurability, posted.durability.rawValue)
        return posted.isRepeated ? reply.with(.idempotentReplayed, "true") : reply
    }

    /// Bytes of a `Location`: it stays far below what clients and proxies take for a header or for the target of a request.
    private static let locationBytesMax = 4096

    /// Where the first messages of a post can be got: as many as one request may ask for.
    ///
    /// Clients cut the ids out of it, at the commas behind the last equals sign: these are never encoded. The body of the
    /// answer has all of them.
    private static func location(of ids: [MessageID], in queue: QueueAddress, countMax: Int) -> String {
        let start = "\(queue.path)/messages?ids="
        let fitting = (Self.locationBytesMax - start.utf8.count) / (MessageID.characters + 1)
        return start + ids.prefix(max(1, min(countMax, fitting))).map(\.text).joined(separator: ",")
    }

    /// A page of the queue or, when there are `ids`, those messages.
    func list(_ request: ReceivedRequest) async throws -> Reply {
        let query = try request.query
        let ids = query.list("ids")
        if !ids.isEmpty {
            let messages = try await self.operations.getMessages(ids, in: request.queue)
            return .json(.ok, MessageDocument.messages(messages, of: request.queue))
        }
        let page = try query.page
        let echo = try query.boolean("echo")
        let includeClaimed = try query.boolean("include_claimed")
        let includeDelayed = try query.boolean("include_delayed")
        var link = PageLink(path: request.queue.path + "/messages")
        link.add("limit", page.limit)
        link.add("echo", echo)
        link.add("include_claimed", includeClaimed)
        link.add("include_delayed", includeDelayed)
        link.add("wait", try query.integer("wait"))
        let wanted = MessageListRequest(
            marker: page.marker, limit: page.limit, echo: echo ?? false, includesClaimed: includeClaimed ?? false,
            includesDelayed: includeDelayed ?? false)
        let messages = try await request.waiting {
            try await self.operations.listMessages(of: request.queue, wanted, by: request.client, wait: $0)
        }
        let next = link.next(after: messages.last?.stored.id.text)
        return .json(.ok, MessageDocument.page(messages, of: request.queue, next: next))
    }

    func show(_ request: ReceivedRequest) async throws -> Reply {
        let message = try await self.operations.getMessage(request.id, in: request.queue)
        return .json(.ok, MessageDocument.message(message, of: request.queue))
    }

    func delete(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.deleteMessage(
            request.id, under: request.query.text("claim_id"), in: request.queue)
        return .empty(.noContent)
    }

    /// Deletes messages by their ids, or pops some.
    func deleteOrPop(_ request: ReceivedRequest) async throws -> Reply {
        let query = try request.query
        let removal = MessageRemovalRequest(
            ids: query.list("ids"), claims: query.list("claim_ids"), pop: try query.integer("pop"))
        let popped = try await self.operations.removeMessages(from: request.queue, removal, by: request.client)
        return popped.map { .json(.ok, MessageDocument.popped($0)) } ?? .empty(.noContent)
    }
}
