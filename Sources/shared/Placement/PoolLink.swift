package import Domain
package import Redis
package import Store

/// One Redis that holds queues, under all the names it has.
///
/// Pools whose URIs lead to the same database are one link: nobody connects to it twice.
package struct PoolLink: Sendable, Hashable {
    /// Stays the same while the Redis does: what changes with it is who it is, not where.
    package let target: RedisURL
    /// The pools it is, in the order of their names; nil, which comes first, stands for the default store.
    package let homes: [PoolName?]

    package init(target: RedisURL, homes: [PoolName?]) {
        self.target = target
        self.homes = homes
    }

    package var isDefault: Bool { self.homes.first == .some(nil) }
}

/// All links as they were at one moment: what a process that serves every queue has to be connected to.
package struct PoolLinks: Sendable, Equatable {
    package let version: PoolVersion
    /// The default store first, then in the order of their names.
    package let links: [PoolLink]

    package init(_ snapshot: PoolSnapshot, default endpoint: RedisURL) {
        self.version = snapshot.version
        var homes: [RedisURL: [PoolName?]] = [endpoint: [nil]]
        var order = [endpoint]
        for pool in snapshot.pools {
            // What is registered was read once already; a URI that a newer deployment understands is none of ours.
            guard let target = try? RedisURL(pool.uri, as: .pool) else { continue }
            if homes[target] == nil { order.append(target) }
            homes[target, default: []].append(pool.name)
        }
        self.links = order.map { PoolLink(target: $0, homes: homes[$0] ?? []) }
    }
}
