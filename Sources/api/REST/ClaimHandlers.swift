import Documents
import Domain
import HTTPServer
import NIOCore
import Operations

/// Claims over HTTP: query and body in, one operation, an answer out.
struct ClaimHandlers: Sendable {
    let operations: Operations

    func create(_ request: ReceivedRequest) async throws -> Reply {
        let limit = try request.query.integer("limit")
        let body = request.body.readableBytes == 0 ? ClaimBody() : try ClaimBody(document: request.document)
        let claim = try await request.waiting {
            try await self.operations.createClaim(on: request.queue, body, limit: limit, wait: $0)
        }
        guard let claim else { return .empty(.noContent) }
        request.notes?.made(claim.id)
        return Reply.json(.created, MessageDocument.claimed(claim, on: request.queue))
            .with(.location, MessageDocument.path(of: claim.id, on: request.queue))
    }

    func show(_ request: ReceivedRequest) async throws -> Reply {
        let claim = try await self.operations.getClaim(request.id, of: request.queue)
        return .json(.ok, MessageDocument.claim(claim, on: request.queue))
    }

    func update(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.updateClaim(
            request.id, of: request.queue, ClaimBody(document: request.document))
        return .empty(.noContent)
    }

    func release(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.releaseClaim(request.id, of: request.queue)
        return .empty(.noContent)
    }
}
