import Domain
import Store

extension Operations {
    /// Counts the messages of a queue; zeros for one that is not there.
    func showStats(of queue: QueueAddress) async throws -> QueueStats {
        try await self.store(of: queue).queues.stats(of: queue)
    }
}
