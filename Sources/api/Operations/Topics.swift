import Documents
import Domain
import Placement
import Store

/// Topics are named metadata and nothing more (contract: "Topics").
extension Operations {
    /// Makes a topic, unless it is there; then nothing changes.
    ///
    /// - Parameter document: A JSON object as the caller wrote it; empty stands for `{}`.
    /// - Returns: Whether it was not there before.
    func createTopic(_ topic: TopicAddress, document: [UInt8]) async throws -> Bool {
        let document = document.isEmpty ? Array("{}".utf8) : document
        _ = try QueueMetadata(document: document, of: Self.owner(topic), limits: self.limits)
        return try await self.stores.defaultStore.topics.create(topic, metadata: document)
    }

    /// The metadata of a topic; of one nobody made none is set.
    func showTopic(_ topic: TopicAddress) async throws -> QueueMetadata {
        try Self.metadata(try await self.stores.defaultStore.topics.metadata(of: topic) ?? Array("{}".utf8))
    }

    /// Changes the metadata of a topic, all operations or none.
    ///
    /// - Throws: ``Refusal/bodyInvalid(_:)`` before it looks for the topic, ``Refusal/topicNotFound``,
    ///   ``Refusal/metadataConflict(_:)``.
    func updateTopic(_ topic: TopicAddress, document: [UInt8]) async throws -> QueueMetadata {
        let patch = try QueuePatch(document: document)
        let limits = self.limits
        let updated = try await self.stores.defaultStore.topics.update(topic) { stored in
            let result = try patch.applied(
                to: Self.metadata(stored), of: Self.owner(topic), limits: limits, owner: .topic)
            return result.document
        }
        guard let updated else { throw Refusal.topicNotFound }
        return try Self.metadata(updated)
    }

    func deleteTopic(_ topic: TopicAddress) async throws {
        try await self.stores.defaultStore.topics.delete(topic)
    }

    /// A page of topics in the order of their names.
    func listTopics(of project: ProjectID, _ request: NamedListingRequest) async throws -> [TopicListing] {
        try await self.page(request, name: \.name.text, metadata: \.metadata) { marker, limit in
            try await self.stores.defaultStore.topics.list(of: project, after: marker, limit: limit)
        }
    }

    /// A topic has nothing to purge: the body is checked, and the store asked whether it is there.
    func purgeTopic(document: [UInt8]) async throws {
        _ = try PurgeBody(document: document)
        try await self.ping()
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
