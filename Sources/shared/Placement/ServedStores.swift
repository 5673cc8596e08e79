import NIOConcurrencyHelpers
package import Store

/// The stores that a notifier has open, by their endpoints.
package final class ServedStores: Sendable {
    private let stores = NIOLockedValueBox<[PoolEndpoint: Store]>([:])

    package init() {}

    /// - Parameter store: nil: the endpoint is not served any more.
    package func set(_ store: Store?, of endpoint: PoolEndpoint) {
        self.stores.withLockedValue { $0[endpoint] = store }
    }

    /// Each endpoint with its store, if that is open.
    package func stores(of endpoints: PoolEndpoints) -> [MeasuredStore] {
        let stores = self.stores.withLockedValue { $0 }
        return endpoints.endpoints.map { MeasuredStore(endpoint: $0, store: stores[$0]) }
    }
}
