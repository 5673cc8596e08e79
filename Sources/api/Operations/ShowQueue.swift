import Documents
import Domain
import Store

extension Operations {
    /// The metadata of a queue.
    ///
    /// A queue nobody made has none set, and is no error.
    func showQueue(_ queue: QueueAddress) async throws -> QueueMetadata {
        let stored = try await self.store(of: queue).queues.metadata(of: queue)
        guard let metadata = QueueMetadata(stored: stored ?? Array("{}".utf8)) else {
            throw StoreError.corrupt("the metadata of a queue is no JSON object")
        }
        return metadata
    }
}
