import Documents
import Domain
import Store

extension Operations {
    /// Removes every message, every subscription, or both; the queue and its metadata stay.
    ///
    /// - Parameter document: The request's body; empty stands for both.
    func purgeQueue(_ queue: QueueAddress, document: [UInt8]) async throws {
        let body = try PurgeBody(document: document)
        let store = try await self.store(of: queue)
        if body.kinds.isEmpty { try await store.ping() }
        // Subscriptions first: nobody is told of a message that the same request removes.
        if body.kinds.contains(.subscriptions) { try await store.subscriptions.purge(queue) }
        if body.kinds.contains(.messages) { try await store.messages.purge(queue) }
    }
}
