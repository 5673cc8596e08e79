package import Domain
package import Store

/// The rules of pools and flavors: what may be changed, and what changes with it. Nothing is done here.
extension PoolSnapshot {
    package func pool(_ name: PoolName) -> StoragePool? { self.pools.first { $0.name == name } }

    /// The pools of a flavor: those that carry its name.
    ///
    /// Flavors of one name share their pools over all projects.
    package func pools(of flavor: FlavorName) -> [StoragePool] { self.pools.filter { $0.label == flavor.text } }

    /// Whether queues of a flavor may live on a pool; nil stands for the default store.
    package func serves(_ flavor: FlavorName, on pool: PoolName?) -> Bool {
        self.pools(of: flavor).contains { $0.name == pool }
    }

    /// The pools a new queue may be put on: those of its flavor; without one those of no flavor, or all if there is none.
    package func candidates(for flavor: FlavorName?) -> [StoragePool] {
        if let flavor { return self.pools(of: flavor) }
        let plain = self.pools.filter { $0.label == nil }
        return plain.isEmpty ? self.pools : plain
    }

    /// Registers a pool, or another in its place.
    ///
    /// - Throws: ``Refusal/poolsDiffer(_:)`` before ``Refusal/poolConflict(_:)``.
    package func putting(_ pool: StoragePool) throws(Refusal) -> [PoolChange] {
        let others = self.pools.filter { $0.name != pool.name }
        if let label = pool.label, let first = others.first(where: { $0.label == label }),
            first.capabilities != pool.capabilities
        {
            throw .poolsDiffer("The pool has other capabilities than \(first.name), which serves the same flavor.")
        }
        if let other = others.first(where: { $0.uri == pool.uri }) {
            throw .poolConflict("The pool \(other.name) has this URI.")
        }
        guard others.count < StoragePool.countMax else {
            throw .requestInvalid("There are \(StoragePool.countMax) pools, and there cannot be more.")
        }
        return [.put(pool)]
    }

    /// Removes a pool; one that is not there is no error.
    ///
    /// - Throws: ``Refusal/deletionRefused(_:)`` for the last pool of a flavor, of whichever project.
    package func removing(_ name: PoolName) throws(Refusal) -> [PoolChange] {
        guard let pool = self.pool(name) else { return [] }
        if let label = pool.label, self.flavors.keys.contains(where: { $0.name.text == label }),
            !self.pools.contains(where: { $0.name != name && $0.label == label })
        {
            throw .deletionRefused("The pool is the last one of the flavor \(label).")
        }
        return [.remove(name)]
    }

    /// Makes a flavor of exactly these pools, or changes it to them; a pool of another flavor moves.
    ///
    /// - Parameter names: At least one.
    /// - Throws: ``Refusal/flavorPoolMissing(flavor:pool:)`` or ``Refusal/poolsDiffer(_:)``.
    package func putting(_ flavor: FlavorAddress, of names: [String]) throws(Refusal) -> [PoolChange] {
        var changes: [PoolChange] = []
        var listed: [StoragePool] = []
        for name in names where !listed.contains(where: { $0.name.text == name }) {
            guard let pool = self.pools.first(where: { $0.name.text == name }) else {
                throw .flavorPoolMissing(flavor: flavor.name.text, pool: name)
            }
            listed.append(pool)
        }
        guard let first = listed.first else { preconditionFailure("a flavor has at least one pool") }
        if let other = listed.first(where: { $0.capabilities != first.capabilities }) {
            throw .poolsDiffer("The pools \(first.name) and \(other.name) have different capabilities.")
        }
        guard self.flavors[flavor] != nil || self.flavors.count < Flavor.countMax else {
            throw .requestInvalid("There are \(Flavor.countMax) flavors, and there cannot be more.")
        }
        for var pool in self.pools {
            let isListed = listed.contains { $0.name == pool.name }
            guard isListed != (pool.label == flavor.name.text) else { continue }
            pool.label = isListed ? flavor.name.text : nil
            changes.append(.put(pool))
        }
        return changes + [.putFlavor(flavor, Flavor(capabilities: first.capabilities))]
    }

    /// Removes a flavor; its pools are of none then, unless another project has a flavor of the name.
    ///
    /// One that is not there is no error.
    package func removing(_ flavor: FlavorAddress) -> [PoolChange] {
        guard self.flavors[flavor] != nil else { return [] }
        var changes: [PoolChange] = [.removeFlavor(flavor)]
        guard !self.flavors.keys.contains(where: { $0.name == flavor.name && $0 != flavor }) else { return changes }
        for var pool in self.pools(of: flavor.name) {
            pool.label = nil
            changes.append(.put(pool))
        }
        return changes
    }
}
