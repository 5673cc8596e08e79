import Domain
import Placement
import Store

extension Operations {
    /// Removes a queue with its messages; its subscriptions stay.
    ///
    /// A queue that is not there is no error.
    func deleteQueue(_ queue: QueueAddress) async throws {
        try await self.stores.delete(queue)
    }
}
