package import Documents
package import Domain
import Placement
import Redis
import Store

extension Operations {
    /// A page of the registered pools in the order of their names, those strictly greater than the marker.
    package func listPools(_ page: PageRequest) async throws -> [StoragePool] {
        let limit = try Self.pageSize(page.limit, max: Limits.poolPageMax)
        let pools = try await self.pools().pools
        return pools.filter { pool in page.marker.map { pool.name.text > $0 } ?? true }.prefix(limit).map(
            Self.view(of:))
    }

    /// - Throws: ``Refusal/poolNotFound``.
    package func showPool(_ name: PoolName) async throws -> StoragePool {
        guard let pool = try await self.pools().pool(name) else { throw Refusal.poolNotFound }
        return Self.view(of: pool)
    }

    /// A pool as callers see it: with its password hidden.
    private static func view(of pool: StoragePool) -> StoragePool {
        var pool = pool
        pool.uri = RedisURL.masked(pool.uri)
        return pool
    }

    /// Registers a Redis for queues to live on, or another in its place.
    ///
    /// - Throws: ``Refusal/bodyInvalid(_:)`` also when it cannot be reached; then ``Refusal/poolsDiffer(_:)``, then
    ///   ``Refusal/poolConflict(_:)``.
    package func putPool(_ name: PoolName, _ body: PoolBody) async throws {
        let known = try await self.pools().pool(name)
        let uri = Self.uri(body.uri, of: known)
        let capabilities = try await self.probe(uri, isDurable: body.isDurable)
        try await self.stores.change { snapshot throws(Refusal) in
            try snapshot.putting(
                StoragePool(
                    name: name, uri: uri, weight: body.weight, label: body.label, options: body.options,
                    capabilities: capabilities))
        }
    }

    /// Changes a pool; what the body does not say stays.
    ///
    /// - Throws: ``Refusal/poolNotFound``, and what ``putPool(_:_:)`` throws.
    package func updatePool(_ name: PoolName, _ patch: PoolPatch) async throws -> StoragePool {
        guard let known = try await self.pools().pool(name) else { throw Refusal.poolNotFound }
        var uri = known.uri
        var capabilities = known.capabilities
        if patch.uri != nil || patch.options != nil {
            uri = patch.uri.map { Self.uri($0, of: known) } ?? uri
            capabilities = try await self.probe(
                uri, isDurable: patch.options?.isDurable ?? PoolFields.isDurable(options: known.options))
        }
        try await self.stores.change { snapshot throws(Refusal) in
            guard var pool = snapshot.pool(name) else { throw Refusal.poolNotFound }
            if patch.uri != nil || patch.options != nil { pool.capabilities = capabilities }
            if patch.uri != nil { pool.uri = uri }
            if let weight = patch.weight { pool.weight = weight }
            if let label = patch.label { pool.label = label }
            if let options = patch.options { pool.options = options.text }
            return try snapshot.putting(pool)
        }
        return try await self.showPool(name)
    }

    /// Takes a pool away, which leaves what is on it as it is.
    ///
    /// One that is not there is no error.
    ///
    /// - Parameter isForced: Also when queues live there, which are lost to view.
    /// - Throws: ``Refusal/deletionRefused(_:)``.
    package func deletePool(_ name: PoolName, isForced: Bool) async throws {
        try await self.stores.change(unused: isForced ? nil : name) { snapshot throws(Refusal) in
            try snapshot.removing(name)
        }
    }

    /// The pools as they are now, and not as this process last saw them.
    func pools() async throws(StoreError) -> PoolSnapshot {
        try await self.stores.refresh()
        return self.stores.snapshot
    }

    /// A URI that comes back with its password hidden, as it was shown, stands for the URI that is stored.
    private static func uri(_ text: String, of known: StoragePool?) -> String {
        guard let known, RedisURL.masked(known.uri) == text else { return text }
        return known.uri
    }

    private func probe(_ uri: String, isDurable: Bool) async throws(Refusal) -> PoolCapabilities {
        let target: RedisURL
        do {
            target = try RedisURL(uri, as: .pool)
        } catch {
            throw .bodyInvalid("The 'uri' cannot be used: \(error).")
        }
        let format = self.stores.defaultStore.format
        guard format >= StoreFormat.ofPoolForms || target.isPlainServer else {
            throw .bodyInvalid("The 'uri' \(StoreFormat.words(asking: StoreFormat.ofPoolForms, of: format))")
        }
        do {
            return try await self.stores.probe(target, isDurable: isDurable)
        } catch {
            switch error {
            case .unreachable: throw .bodyInvalid("cannot connect to \(RedisURL.masked(uri))")
            case .unfit(let reason): throw .bodyInvalid("The Redis of 'uri' cannot be a pool: \(reason).")
            }
        }
    }
}
