package import Documents
package import Domain
import Placement
import Store

/// Topics are named metadata and nothing more (docs/api.md, "Topics").
extension Operations {
    /// Creates a topic, unless it exists; then nothing changes.
    ///
    /// - Parameter document: A JSON object as the caller wrote it; empty stands for `{}`.
    /// - Returns: Whether it was created.
    package func createTopic(_ topic: TopicAddress, document: [UInt8]) async throws -> Bool {
        let document = document.isEmpty ? Array("{}".utf8) : document
        _ = try QueueMetadata(document: document, of: Self.owner(topic), limits: self.limits)
        return try await self.stores.defaultStore.topics.create(topic, metadata: document)
    }

    /// The metadata of a topic; none is set on one that does not exist.
    package func showTopic(_ topic: TopicAddress) async throws -> QueueMetadata {
        try Self.metadata(try await self.stores.defaultStore.topics.metadata(of: topic) ?? Array("{}".utf8))
    }

    /// Changes the metadata of a topic, all operations or none.
    ///
    /// - Throws: ``Refusal/topicNotFound`` or ``Refusal/metadataConflict(_:)``.
    package func updateTopic(_ topic: TopicAddress, _ patch: QueuePatch) async throws -> QueueMetadata {
        let limits = self.limits
        let updated = try await self.stores.defaultStore.topics.update(topic) { stored in
            let result = try patch.applied(
                to: Self.metadata(stored), of: Self.owner(topic), limits: limits, owner: .topic)
            return result.document
        }
        guard let updated else { throw Refusal.topicNotFound }
        return try Self.metadata(updated)
    }

    package func deleteTopic(_ topic: TopicAddress) async throws {
        try await self.stores.defaultStore.topics.delete(topic)
    }

    /// A page of topics in the order of their names.
    package func listTopics(of project: ProjectID, _ request: NamedListRequest) async throws -> [TopicListing] {
        let limit = try Self.pageSize(request.limit, max: self.limits.queuePageMax)
        return try await self.page(request, limit: limit, name: \.name.text, metadata: \.metadata) { marker, limit in
            try await self.stores.defaultStore.topics.list(of: project, after: marker, limit: limit)
        }
    }

    private static func metadata(_ stored: [UInt8]) throws -> QueueMetadata {
        guard let metadata = QueueMetadata(stored: stored) else {
            throw StoreError.corrupt("the metadata of a topic is no JSON object")
        }
        return metadata
    }

    /// Names of topics are names of queues, too.
    private static func owner(_ topic: TopicAddress) throws(Refusal) -> QueueName { try QueueName(topic.name.text) }
}
