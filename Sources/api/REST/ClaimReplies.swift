import Domain
import HTTPTypes
import JSON
import NIOCore
import Store

/// Claims over HTTP: query and body in, one operation, an answer out.
struct ClaimReplies: Sendable {
    let operations: Operations

    func create(_ body: ByteBuffer, on queue: QueueAddress, _ query: Query) async throws -> Reply {
        let limit = try query.integer("limit", in: 1...self.operations.claimMessagesMax)
        let claim = try await self.operations.createClaim(
            on: queue, document: Array(body.readableBytesView), limit: limit)
        guard let claim else { return .empty(.noContent) }
        return Reply.json(.created, capacity: MessageReplies.capacity(of: claim.messages)) { body in
            MessageReplies.write(claim.messages, of: queue, to: &body)
            body.writeStaticString("}")
        }.with(.location, Self.path(of: claim.id, in: queue))
    }

    func show(_ id: String, of queue: QueueAddress) async throws -> Reply {
        let claim = try await self.operations.getClaim(id, of: queue)
        return Reply.json(.ok, capacity: MessageReplies.capacity(of: claim.messages)) { body in
            MessageReplies.write(claim.messages, of: queue, to: &body)
            body.writeStaticString(#","age":"#)
            body.writeJSON(claim.age)
            body.writeStaticString(#","ttl":"#)
            body.writeJSON(claim.ttl)
            body.writeStaticString(#","href":"#)
            body.writeJSON(Self.path(of: claim.id, in: queue))
            body.writeStaticString("}")
        }
    }

    func update(_ id: String, of queue: QueueAddress, _ body: ByteBuffer) async throws -> Reply {
        try await self.operations.updateClaim(id, of: queue, document: Array(body.readableBytesView))
        return .empty(.noContent)
    }

    func release(_ id: String, of queue: QueueAddress) async throws -> Reply {
        try await self.operations.releaseClaim(id, of: queue)
        return .empty(.noContent)
    }

    private static func path(of claim: ClaimID, in queue: QueueAddress) -> String {
        "\(queue.path)/claims/\(claim.text)"
    }
}
