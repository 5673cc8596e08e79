import Domain
import Runtime
package import Store

/// A Redis that holds queues, to be measured.
package struct MeasuredStore: Sendable {
    package let endpoint: PoolEndpoint
    /// nil: it cannot be opened now.
    package let store: Store?

    package init(endpoint: PoolEndpoint, store: Store?) {
        self.endpoint = endpoint
        self.store = store
    }

    /// Asks the Redis how it is doing, and what waits there.
    package func figures() async -> StoreFigures {
        var figures = StoreFigures(pool: self.endpoint.name)
        guard let store = self.store else { return figures }
        do throws(StoreError) {
            let started = ContinuousClock.now
            try await store.ping()
            figures.roundTrip = ContinuousClock.now - started
            figures.memory = try await store.figures().memory
            figures.backlog = try await store.deliveries.backlog()
        } catch {
            // What was learned before stands; a Redis that has gone meanwhile is away at the next look.
        }
        return figures
    }
}

/// How a Redis that holds queues is doing.
package struct StoreFigures: Sendable {
    /// What metrics call it, see ``PoolEndpoint/name``.
    package let pool: String
    /// Of one `PING`; nil: it does not answer.
    package var roundTrip: Duration?
    /// Bytes its data takes; nil: it does not tell.
    package var memory: Int?
    /// nil: it could not be counted.
    package var backlog: Backlog?

    package init(pool: String) { self.pool = pool }

    /// What is to be shown of it.
    var values: [(metric: Gauged, value: Double)] {
        var values: [(Gauged, Double)] = [(Gauged(.poolReachable, self.pool), self.roundTrip == nil ? 0 : 1)]
        func add(_ gauged: Gauged, _ value: Double?) {
            if let value { values.append((gauged, value)) }
        }
        add(Gauged(.poolRoundTrip, self.pool), self.roundTrip.map { $0 / .seconds(1) })
        add(Gauged(.poolMemory, self.pool), self.memory.map { Double($0) })
        guard let backlog = self.backlog else { return values }
        add(Gauged(.eventsPending, self.pool), Double(backlog.events))
        add(Gauged(.eventsAge, self.pool), (backlog.eventAge ?? .zero) / .seconds(1))
        for state in Backlog.DeliveryState.allCases {
            add(Gauged(.deliveriesPending, self.pool, state.rawValue), Double(backlog.deliveries[state] ?? 0))
        }
        for state in [Backlog.DeliveryState.ready, .held] {
            add(Gauged(.deliveriesAge, self.pool, state.rawValue), (backlog.ages[state] ?? .zero) / .seconds(1))
        }
        for state in Backlog.SubscriptionState.allCases {
            add(Gauged(.subscriptions, self.pool, state.rawValue), Double(backlog.subscriptions[state] ?? 0))
        }
        return values
    }
}
