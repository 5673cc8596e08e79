import Documents
import Domain
import HTTPServer
import NIOCore
import Operations

/// Queues over WebSocket: a body in, one operation, an answer out.
struct QueueActions: Sendable {
    let operations: Operations

    func list(_ request: ActionRequest) async throws -> ActionAnswer {
        let page = try await self.operations.listQueues(
            of: request.caller.project,
            NamedListRequest(marker: request.text("marker"), limit: request.integer("limit")))
        return ActionAnswer(
            .ok, QueueActionDocument.list(page.queues, isDetailed: request.boolean("detailed") ?? false))
    }

    func create(_ request: ActionRequest) async throws -> ActionAnswer {
        let metadata = request.slice("metadata") ?? ByteBuffer()
        let bytesMax = self.operations.limits.queueMetadataBytesMax
        guard metadata.readableBytes <= bytesMax else {
            throw Refusal.bodyInvalid("The metadata may have at most \(bytesMax) bytes.")
        }
        let isNew = try await self.operations.createQueue(
            request.queue, document: Array(metadata.readableBytesView), within: request.caller.identity.scope)
        return ActionAnswer(isNew ? .created : .noContent, "Queue \(request.queue.name) created.")
    }

    func show(_ request: ActionRequest) async throws -> ActionAnswer {
        ActionAnswer(.ok, QueueActionDocument.metadata(try await self.operations.showQueue(request.queue)))
    }

    func stats(_ request: ActionRequest) async throws -> ActionAnswer {
        // Zeros are answered also for a queue that is not there: the status says so.
        guard let stats = try await self.operations.findStats(of: request.queue) else {
            return ActionAnswer(.notFound, QueueDocument.topicStats)
        }
        return ActionAnswer(.ok, QueueDocument.stats(stats, of: request.queue))
    }

    func delete(_ request: ActionRequest) async throws -> ActionAnswer {
        try await self.operations.deleteQueue(request.queue)
        return ActionAnswer(.noContent, "Queue \(request.queue.name) removed.")
    }

    func purge(_ request: ActionRequest) async throws -> ActionAnswer {
        try await self.operations.purgeQueue(request.queue, PurgeBody(known: request.body))
        return .noContent
    }
}
