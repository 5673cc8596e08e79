import Documents
import Domain
import HTTPServer
import Operations

/// Dead letters over HTTP: query and body in, one operation, an answer out.
struct DeadLetterHandlers: Sendable {
    let operations: Operations

    func list(_ request: ReceivedRequest) async throws -> Reply {
        let query = try request.query
        var link = PageLink(path: request.queue.path + "/dead_letters")
        let page = try query.page
        link.add("limit", page.limit)
        for name in ["subscription", "reason", "since", "until"] {
            if let value = query.text(name) { link.add(name, value) }
        }
        try link.check()
        let filter = DeadLetterQuery(
            subscription: query.text("subscription"), reason: query.text("reason"), since: query.text("since"),
            until: query.text("until"))
        let (deadLetters, next) = try await self.operations.listDeadLetters(of: request.queue, filter, page)
        return .json(.ok, DeadLetterDocument.page(deadLetters, next: link.next(after: next)))
    }

    func show(_ request: ReceivedRequest) async throws -> Reply {
        let (deadLetter, content, body) = try await self.operations.getDeadLetter(request.id, of: request.queue)
        return .json(.ok, DeadLetterDocument.deadLetter(deadLetter, ttl: content.ttl, body: body))
    }

    func delete(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.deleteDeadLetter(request.id, of: request.queue)
        return .empty(.noContent)
    }

    func redrive(_ request: ReceivedRequest) async throws -> Reply {
        let result = try await self.operations.redriveDeadLetters(
            of: request.queue, RedriveBody(document: request.document))
        return .json(.ok, DeadLetterDocument.redriven(result))
    }

    func recover(_ request: ReceivedRequest) async throws -> Reply {
        let query = try request.query
        let result = try await self.operations.recover(
            request.id, of: request.queue, since: query.text("since"), maxPerSecond: query.integer("max_per_second"),
            marker: query.text("marker"))
        return .json(.ok, DeadLetterDocument.redriven(result))
    }
}
