import Documents
import Domain
import HTTPServer
import Operations

/// Claims over WebSocket: a body in, one operation, an answer out.
struct ClaimActions: Sendable {
    let operations: Operations

    func create(_ request: ActionRequest) async throws -> ActionAnswer {
        let claim = try await self.operations.createClaim(
            on: request.queue, ClaimBody(request.body), limit: request.integer("limit"))
        if let claim { request.notes?.made(claim.id) }
        return ActionAnswer(claim == nil ? .noContent : .created, MessageActionDocument.claimed(claim))
    }

    func show(_ request: ActionRequest) async throws -> ActionAnswer {
        let id = request.required("claim_id")
        let claim = try await Self.found(id) { try await self.operations.getClaim(id, of: request.queue) }
        return ActionAnswer(.ok, MessageActionDocument.claim(claim))
    }

    func update(_ request: ActionRequest) async throws -> ActionAnswer {
        let id = request.required("claim_id")
        try await Self.found(id) {
            try await self.operations.updateClaim(id, of: request.queue, ClaimBody(request.body))
        }
        return ActionAnswer(.noContent, "Claim \(id.shortened) updated.")
    }

    func release(_ request: ActionRequest) async throws -> ActionAnswer {
        let id = request.required("claim_id")
        try await self.operations.releaseClaim(id, of: request.queue)
        return ActionAnswer(.noContent, "Claim \(id.shortened) deleted.")
    }

    private static func found<Value>(_ id: String, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch Refusal.claimNotFound {
            throw ActionRefusal(.claimNotFound, error: "Claim \(id.shortened) does not exist.")
        }
    }
}
