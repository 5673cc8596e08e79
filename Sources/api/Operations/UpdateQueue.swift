import Domain
import Store
import Wire

extension Operations {
    /// Changes the metadata of a queue, all operations or none, also against others who change it at the same time.
    ///
    /// - Parameter document: The request's body, an array of operations.
    /// - Returns: The new metadata.
    /// - Throws: ``Refusal/bodyInvalid(_:)`` before it looks for the queue, ``Refusal/queueNotFound``,
    ///   ``Refusal/metadataConflict(_:)``.
    func updateQueue(_ queue: QueueAddress, document: [UInt8]) async throws -> QueueMetadata {
        let patch = try QueuePatch(document: document)
        let limits = self.limits
        let updated = try await self.store(of: queue).queues.update(queue) { stored in
            guard let metadata = QueueMetadata(stored: stored) else {
                throw StoreError.corrupt("the metadata of a queue is no JSON object")
            }
            let result = try patch.applied(to: metadata, of: queue.name, limits: limits)
            try Self.checkAvailable(result.metadata)
            return (result.document, result.metadata.attributes)
        }
        guard let updated else { throw Refusal.queueNotFound }
        guard let metadata = QueueMetadata(stored: updated) else {
            throw StoreError.corrupt("the metadata of a queue is no JSON object")
        }
        return metadata
    }

    /// Better a clear no than retries at other times than the caller believes.
    static func checkAvailable(_ metadata: QueueMetadata) throws(Refusal) {
        if metadata.hasRetryPolicy { throw .requestInvalid("_retry_policy is not available yet.") }
    }
}
