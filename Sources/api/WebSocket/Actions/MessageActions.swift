import Documents
import Domain
import HTTPServer
import NIOCore
import Operations

/// Messages over WebSocket: a body in, one operation, an answer out.
struct MessageActions: Sendable {
    let operations: Operations

    func list(_ request: ActionRequest) async throws -> ActionAnswer {
        let messages = try await self.operations.listMessages(
            of: request.queue,
            MessageListRequest(
                marker: request.text("marker"), limit: request.integer("limit"), echo: request.boolean("echo") ?? false,
                includesClaimed: request.boolean("include_claimed") ?? false,
                includesDelayed: request.boolean("include_delayed") ?? false),
            by: request.caller.client)
        return ActionAnswer(.ok, MessageActionDocument.messages(messages))
    }

    func show(_ request: ActionRequest) async throws -> ActionAnswer {
        let message = try await self.operations.getMessage(request.required("message_id"), in: request.queue)
        return ActionAnswer(.ok, MessageActionDocument.message(message))
    }

    func showMany(_ request: ActionRequest) async throws -> ActionAnswer {
        let ids = try request.texts("message_ids")
        guard !ids.isEmpty else { throw Refusal.requestInvalid("message_ids has to hold an id.") }
        do {
            return ActionAnswer(
                .ok, MessageActionDocument.messages(try await self.operations.getMessages(ids, in: request.queue)))
        } catch Refusal.messageNotFound {
            return ActionAnswer(.ok, MessageActionDocument.messages([]))
        }
    }

    func post(_ request: ActionRequest) async throws -> ActionAnswer {
        let messages = request.slice("messages") ?? ByteBuffer()
        let bytesMax = self.operations.limits.postBytesMax
        guard messages.readableBytes <= bytesMax else {
            throw Refusal.bodyInvalid("The messages may have at most \(bytesMax) bytes.")
        }
        let key = try self.operations.postKey(request.idempotencyKey, of: messages)
        let posted = try await self.operations.postMessages(
            PostBody.drafts(ofArray: messages, countMax: self.operations.limits.postMessagesMax), to: request.queue,
            by: request.caller.client, requestBytes: messages.readableBytes, provenance: request.provenance,
            key: key)
        return ActionAnswer(
            .created, MessageActionDocument.posted(posted.ids), durability: posted.durability,
            isRepeated: posted.isRepeated)
    }

    func delete(_ request: ActionRequest) async throws -> ActionAnswer {
        do {
            try await self.operations.deleteMessage(
                request.required("message_id"), under: request.text("claim_id"), in: request.queue)
        } catch Refusal.messageClaimed {
            throw ActionRefusal(.messageClaimed, error: "This message is claimed; name its claim to delete it.")
        }
        return .noContent
    }

    func deleteOrPop(_ request: ActionRequest) async throws -> ActionAnswer {
        let removal = MessageRemovalRequest(
            ids: try request.texts("message_ids"), claims: try request.texts("claim_ids"), pop: request.integer("pop"))
        let popped = try await self.operations.removeMessages(
            from: request.queue, removal, by: request.caller.client)
        return popped.map { ActionAnswer(.ok, MessageActionDocument.popped($0)) } ?? .noContent
    }
}
