import Domain
import Store
import Wire

extension Operations {
    /// Makes a queue, unless it is there; then nothing changes.
    ///
    /// - Parameter document: A JSON object as the caller wrote it; empty stands for `{}`.
    /// - Returns: Whether it was not there before.
    func createQueue(_ queue: QueueAddress, document: [UInt8]) async throws -> Bool {
        let document = document.isEmpty ? Array("{}".utf8) : document
        let metadata = try QueueMetadata(document: document, of: queue.name, limits: self.limits)
        try Self.checkAvailable(metadata)
        return try await self.store(of: queue).queues.create(queue, metadata: document, attributes: metadata.attributes)
    }
}
