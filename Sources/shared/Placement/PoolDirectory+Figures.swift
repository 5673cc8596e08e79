package import Domain
package import Store

/// How a pool is doing.
package struct PoolFigures: Sendable {
    package let pool: PoolName
    /// Of one `PING`; nil: it does not answer.
    package let roundTrip: Duration?
    /// Bytes its data takes; nil: it does not tell.
    package let memory: Int?
    /// Queues that live there.
    package let queues: Int
}

extension PoolDirectory {
    /// Asks every pool how it is doing, all at once; none while there are no pools.
    ///
    /// - Throws: When the control store is away.
    package func figures() async throws(StoreError) -> [PoolFigures] {
        let pools = self.snapshot.pools.map(\.name)
        guard !pools.isEmpty else { return [] }
        let counts = try await self.defaultStore.pools.queueCounts()
        return await withTaskGroup(of: PoolFigures.self) { group in
            for pool in pools {
                group.addTask {
                    do throws(StoreError) {
                        let store = try await self.unregistered(pool)
                        let started = ContinuousClock.now
                        try await store.ping()
                        let roundTrip = ContinuousClock.now - started
                        return PoolFigures(
                            pool: pool, roundTrip: roundTrip, memory: try await store.figures().memory,
                            queues: counts[pool] ?? 0)
                    } catch {
                        return PoolFigures(pool: pool, roundTrip: nil, memory: nil, queues: counts[pool] ?? 0)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }
}
