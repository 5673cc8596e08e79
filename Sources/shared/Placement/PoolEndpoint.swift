package import Domain
package import Redis
package import Store

/// The address of one Redis that holds queues, with all pools that lead there.
///
/// Pools whose URIs name the same database are one endpoint: a process connects to it once.
package struct PoolEndpoint: Sendable, Hashable {
    /// Where it is; what is registered under another URL is another endpoint.
    package let url: RedisURL
    /// The pools that lead there, in the order of their names; nil, which comes first, stands for the default store.
    package let pools: [PoolName?]

    package init(url: RedisURL, pools: [PoolName?]) {
        self.url = url
        self.pools = pools
    }

    package var isDefault: Bool { self.pools.first == .some(nil) }

    /// What logs and metrics call it: its pools with commas between, `default` for the default store.
    package var name: String { self.pools.map { $0?.text ?? "default" }.joined(separator: ",") }
}

/// All endpoints at one moment: what a process that serves every queue has to be connected to.
package struct PoolEndpoints: Sendable, Equatable {
    package let version: PoolVersion
    /// The default store first, then in the order of their names.
    package let endpoints: [PoolEndpoint]

    package init(_ snapshot: PoolSnapshot, default url: RedisURL) {
        self.version = snapshot.version
        var pools: [RedisURL: [PoolName?]] = [url: [nil]]
        var order = [url]
        for pool in snapshot.pools {
            // Every registered URI was read before it was registered; one that only a newer version reads is left to it.
            guard let url = try? RedisURL(pool.uri, as: .pool) else { continue }
            if pools[url] == nil { order.append(url) }
            pools[url, default: []].append(pool.name)
        }
        self.endpoints = order.map { PoolEndpoint(url: $0, pools: pools[$0] ?? []) }
    }
}
