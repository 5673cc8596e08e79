import Documents
import Domain
import HTTPServer
import Operations
import Signing

/// Queues over HTTP: query and body in, one operation, an answer out.
struct QueueHandlers: Sendable {
    let operations: Operations

    func create(_ request: ReceivedRequest) async throws -> Reply {
        let isNew = try await self.operations.createQueue(
            request.queue, document: request.document, within: request.identity.scope)
        return Reply.empty(isNew ? .created : .noContent).with(.location, request.queue.path)
    }

    func show(_ request: ReceivedRequest) async throws -> Reply {
        self.reply(with: try await self.operations.showQueue(request.queue))
    }

    func update(_ request: ReceivedRequest) async throws -> Reply {
        self.reply(
            with: try await self.operations.updateQueue(
                request.queue, QueuePatch(document: request.document), within: request.identity.scope))
    }

    func delete(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.deleteQueue(request.queue)
        return .empty(.noContent)
    }

    func list(_ request: ReceivedRequest) async throws -> Reply {
        let query = try NamedListQuery(
            request.query, path: "/v2/queues", offersCount: true)
        let page = try await self.operations.listQueues(of: request.project, query.request)
        return query.reply(
            page.queues.map { ($0.name.text, $0.metadata) }, count: page.count, of: .queue,
            limits: self.operations.limits)
    }

    func stats(_ request: ReceivedRequest) async throws -> Reply {
        .json(.ok, QueueDocument.stats(try await self.operations.showStats(of: request.queue), of: request.queue))
    }

    func purge(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.purgeQueue(request.queue, PurgeBody(document: request.document))
        return .empty(.noContent)
    }

    func share(_ request: ReceivedRequest) throws -> Reply {
        let share = try self.operations.shareQueue(
            request.queue, ShareBody(document: request.document), now: request.now)
        return Reply.json(
            .ok,
            ShareBody.answer(
                project: request.queue.project.text, paths: share.url.paths, methods: share.url.methods,
                expires: share.url.expiry.text, signature: share.signature)
        ).with(.cacheControl, "no-store")
    }

    private func reply(with metadata: QueueMetadata) -> Reply {
        .json(.ok, QueueDocument.metadata(metadata, of: .queue, limits: self.operations.limits))
    }
}
