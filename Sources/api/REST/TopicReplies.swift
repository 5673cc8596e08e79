import Documents
import Domain
import HTTPTypes
import NIOCore
import Store

/// Topics over HTTP: query and body in, one operation, an answer out.
struct TopicReplies: Sendable {
    let operations: Operations

    func create(_ topic: TopicAddress, _ body: ByteBuffer) async throws -> Reply {
        let isNew = try await self.operations.createTopic(topic, document: Array(body.readableBytesView))
        return Reply.empty(isNew ? .created : .noContent).with(.location, "/v2/topics/\(topic.name)")
    }

    func show(_ topic: TopicAddress) async throws -> Reply {
        self.reply(with: try await self.operations.showTopic(topic))
    }

    /// - Parameter mediaType: Of the body, in lower case and without parameters.
    func update(_ topic: TopicAddress, _ body: ByteBuffer, mediaType: String?) async throws -> Reply {
        let patchType = QueueReplies.patchType
        guard mediaType == patchType else {
            return Problem.unsupportedPatch(patchType).reply.with(.acceptPatch, patchType)
        }
        return self.reply(
            with: try await self.operations.updateTopic(topic, document: Array(body.readableBytesView)))
    }

    func delete(_ topic: TopicAddress) async throws -> Reply {
        try await self.operations.deleteTopic(topic)
        return .empty(.noContent)
    }

    /// A topic holds no message, whether it is there or not.
    func stats() async throws -> Reply {
        try await self.operations.ping()
        return Reply.json(.ok) { $0.writeStaticString(#"{"messages":{"claimed":0,"free":0,"total":0}}"#) }
    }

    func purge(_ body: ByteBuffer) async throws -> Reply {
        try await self.operations.purgeTopic(document: Array(body.readableBytesView))
        return .empty(.noContent)
    }

    func list(of project: ProjectID, _ query: Query) async throws -> Reply {
        let limits = self.operations.limits
        let wish = try NamedListWish(query, path: "/v2/topics", limitMax: limits.queuePageMax, offersCount: false)
        let page = try await self.operations.listTopics(of: project, wish.request)
        return wish.reply("topics", page.map { ($0.name.text, $0.metadata) }, count: nil, of: .topic, limits: limits)
    }

    private func reply(with metadata: QueueMetadata) -> Reply {
        Reply.json(.ok, capacity: 512) { metadata.write(to: &$0, limits: self.operations.limits, of: .topic) }
    }
}
