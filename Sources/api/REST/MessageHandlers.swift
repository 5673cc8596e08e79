import Documents
import Domain
import HTTPTypes

/// Messages over HTTP: query and body in, one operation, an answer out.
struct MessageHandlers: Sendable {
    let operations: Operations

    func post(_ request: ReceivedRequest) async throws -> Reply {
        let ids = try await self.operations.postMessages(request.body, to: request.queue, by: request.client)
        return Reply.json(.created, MessageDocument.posted(ids, to: request.queue))
            .with(.location, Self.location(of: ids, in: request.queue, countMax: self.operations.idsMax))
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
        if !ids.isEmpty { return try await self.select(ids, of: request.queue) }
        var link = PageLink(path: request.queue.path + "/messages")
        let limit = try query.limit(max: self.operations.limits.messagePageMax)
        let echo = try query.boolean("echo")
        let includeClaimed = try query.boolean("include_claimed")
        let includeDelayed = try query.boolean("include_delayed")
        link.add("limit", try query.integer("limit"))
        link.add("echo", echo)
        link.add("include_claimed", includeClaimed)
        link.add("include_delayed", includeDelayed)
        let messages = try await self.operations.listMessages(
            of: request.queue,
            MessageListingRequest(
                marker: query.text("marker"), limit: limit, hidden: echo ?? false ? nil : request.client,
                includesClaimed: includeClaimed ?? false, includesDelayed: includeDelayed ?? false))
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
        let ids = query.list("ids")
        let claims = query.list("claim_ids")
        let count = try query.integer("pop", in: 1...self.operations.claimMessagesMax)
        if let count {
            guard ids.isEmpty else { throw Refusal.requestInvalid("pop and ids cannot be given together.") }
            let messages = try await self.operations.popMessages(
                of: request.queue, limit: count, by: request.client)
            return .json(.ok, MessageDocument.popped(messages))
        }
        try self.checkNumber(of: ids)
        guard !ids.isEmpty else { throw Refusal.requestInvalid("ids or pop has to be given.") }
        guard !claims.isEmpty || !self.operations.modes.deletesOnlyClaimed else {
            throw Refusal.requestInvalid("claim_ids has to be given beside ids.")
        }
        try await self.operations.deleteMessages(ids, under: claims, in: request.queue)
        return .empty(.noContent)
    }

    private func select(_ ids: [String], of queue: QueueAddress) async throws -> Reply {
        try self.checkNumber(of: ids)
        let messages = try await self.operations.getMessages(ids, in: queue)
        guard !messages.isEmpty else { throw Refusal.messageNotFound }
        return .json(.ok, MessageDocument.messages(messages, of: queue))
    }

    /// Counted as they came, with repetitions.
    private func checkNumber(of ids: [String]) throws(Refusal) {
        let countMax = self.operations.idsMax
        guard ids.count <= countMax else { throw .requestInvalid("ids may hold at most \(countMax) ids") }
    }
}
