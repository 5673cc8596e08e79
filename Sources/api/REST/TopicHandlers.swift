import Documents
import Domain
import HTTPServer
import Operations

/// Topics over HTTP: query and body in, one operation, an answer out.
struct TopicHandlers: Sendable {
    let operations: Operations

    func create(_ request: ReceivedRequest) async throws -> Reply {
        let isNew = try await self.operations.createTopic(request.topic, document: request.document)
        return Reply.empty(isNew ? .created : .noContent).with(.location, request.topic.path)
    }

    func show(_ request: ReceivedRequest) async throws -> Reply {
        self.reply(with: try await self.operations.showTopic(request.topic))
    }

    func update(_ request: ReceivedRequest) async throws -> Reply {
        self.reply(with: try await self.operations.updateTopic(request.topic, QueuePatch(document: request.document)))
    }

    func delete(_ request: ReceivedRequest) async throws -> Reply {
        try await self.operations.deleteTopic(request.topic)
        return .empty(.noContent)
    }

    /// A topic holds no message, whether it is there or not.
    func stats() async throws -> Reply {
        try await self.operations.ping()
        return .json(.ok, QueueDocument.topicStats)
    }

    /// A topic has nothing to purge: the body is checked, and the store asked whether it is there.
    func purge(_ request: ReceivedRequest) async throws -> Reply {
        _ = try PurgeBody(document: request.document)
        try await self.operations.ping()
        return .empty(.noContent)
    }

    func list(_ request: ReceivedRequest) async throws -> Reply {
        let query = try NamedListQuery(request.query, path: "/v2/topics", offersCount: false)
        let page = try await self.operations.listTopics(of: request.project, query.request)
        return query.reply(
            page.map { ($0.name.text, $0.metadata) }, count: nil, of: .topic, limits: self.operations.limits)
    }

    private func reply(with metadata: QueueMetadata) -> Reply {
        .json(.ok, QueueDocument.metadata(metadata, of: .topic, limits: self.operations.limits))
    }
}
