package import Domain
package import Store

extension PoolDirectory {
    /// Changes pools and flavors, all or nothing, also against others who change them at the same time.
    ///
    /// - Parameters:
    ///   - unused: A pool that must have no queues.
    ///   - rule: What to change; called again when somebody was faster, so it must not remember. Nothing to change is no
    ///     error.
    /// - Throws: ``Refusal/deletionRefused(_:)`` when the pool has queues, and what `rule` throws.
    package func change(
        unused: PoolName? = nil, _ rule: (PoolSnapshot) throws(Refusal) -> [PoolChange]
    ) async throws {
        try await Contention.retry {
            let snapshot = try await self.defaultStore.pools.snapshot()
            let changes = try rule(snapshot)
            guard !changes.isEmpty else { return () }
            switch try await self.defaultStore.pools.commit(changes, from: snapshot.version, unused: unused) {
            case .done: return try await self.refresh()
            case .stale: return nil
            case .used(let queues):
                throw Refusal.deletionRefused(
                    "The pool has \(queues) queues, which would be lost to view; ?force=true removes it all the same.")
            }
        }
    }
}
