package import Domain
package import Store

/// Where each queue lives.
///
/// Ask it once for an operation, and do the whole operation on the store it names.
package final class PoolDirectory: Sendable {
    /// Keeps what belongs to no queue: the lists of their names.
    package let control: Store

    package init(control: Store) {
        self.control = control
    }

    /// The store of a queue with everything that belongs to it; of one that is nowhere, a store that has none of it.
    package func store(of queue: QueueAddress) async throws(StoreError) -> Store {
        self.control
    }
}
