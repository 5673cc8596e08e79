package import Store

/// A delivery that this notifier has a lease of.
package struct LeasedDelivery: Sendable {
    /// Names a lease among all that the process ever got for the shard.
    package struct ID: Hashable, Sendable {
        private let number: UInt64

        package init(_ number: UInt64) {
            self.number = number
        }
    }

    package let id: ID
    package let lease: Lease

    package init(id: ID, lease: Lease) {
        self.id = id
        self.lease = lease
    }
}
