package import Domain
import Redis

/// Counts the changes of pools and flavors; 0 where there never was any.
package struct PoolVersion: Hashable, Sendable {
    package let number: Int64

    package init(_ number: Int64) { self.number = number }

    /// By which no queue is ever registered: it has to be registered before it is created.
    package static let never = PoolVersion(-1)
}

/// All pools and flavors as they were at one moment.
package struct PoolSnapshot: Sendable, Equatable {
    package var version: PoolVersion
    /// In the order of their names.
    package var pools: [StoragePool]
    package var flavors: [FlavorAddress: Flavor]

    package init(
        version: PoolVersion = PoolVersion(0), pools: [StoragePool] = [], flavors: [FlavorAddress: Flavor] = [:]
    ) {
        self.version = version
        self.pools = pools
        self.flavors = flavors
    }
}

/// One change of many that are made at once.
package enum PoolChange: Sendable {
    case put(StoragePool)
    case remove(PoolName)
    case putFlavor(FlavorAddress, Flavor)
    case removeFlavor(FlavorAddress)
}

package enum PoolCommit: Sendable, Equatable {
    case done(PoolVersion)
    /// Another process changed something since the snapshot: nothing was changed.
    case stale
    /// The pool that was to have no queues has some: nothing was changed.
    case used(queues: Int)
}

/// The pools and the flavors, which lie in the control store.
package struct PoolStore: Sendable {
    let runner: ScriptRunner

    package func version() async throws(StoreError) -> PoolVersion {
        var command = RedisCommand("GET", arguments: 1)
        command.append(KeySpace.poolVersion)
        let value = try await self.runner.send(command)
        guard value != .null else { return PoolVersion(0) }
        guard let number = value.text.flatMap({ Int64($0) }) else { throw .corrupt("the pools have no version") }
        return PoolVersion(number)
    }

    package func snapshot() async throws(StoreError) -> PoolSnapshot {
        let call = self.runner.call(Scripts.poolList, keys: [KeySpace.poolVersion, KeySpace.pools, KeySpace.flavors])
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.poolList)
        guard let version = Int64(try reply.text()) else { throw .corrupt("the pools have no version") }
        var snapshot = PoolSnapshot(version: PoolVersion(version))
        var pools = try reply.reader()
        while !pools.isAtEnd {
            guard let name = try pools.pool(), let pool = StoragePool(name: name, record: try pools.bytes()) else {
                throw .corrupt("the record of a pool was not written by Herald")
            }
            snapshot.pools.append(pool)
        }
        snapshot.pools.sort { $0.name < $1.name }
        var flavors = try reply.reader()
        while !flavors.isAtEnd {
            guard let address = FlavorAddress(key: try flavors.bytes()),
                let flavor = Flavor(record: try flavors.bytes())
            else { throw .corrupt("the record of a flavor was not written by Herald") }
            snapshot.flavors[address] = flavor
        }
        return snapshot
    }

    /// Makes changes, all or none.
    ///
    /// - Parameters:
    ///   - version: Of the snapshot the changes were made from.
    ///   - unused: A pool that must have no queues.
    package func commit(
        _ changes: [PoolChange], from version: PoolVersion, unused: PoolName? = nil
    ) async throws(StoreError) -> PoolCommit {
        var call = self.runner.call(
            Scripts.poolUpdate, keys: [KeySpace.poolVersion, KeySpace.pools, KeySpace.flavors, KeySpace.poolCounts])
        call.append(String(version.number))
        call.append(unused?.text ?? "")
        for change in changes {
            switch change {
            case .put(let pool):
                call.append("pool")
                call.append(pool.name.text)
                call.append(pool.record)
            case .remove(let pool):
                call.append("pool")
                call.append(pool.text)
                call.append("")
            case .putFlavor(let address, let flavor):
                call.append("flavor")
                call.append(address.key)
                call.append(flavor.record)
            case .removeFlavor(let address):
                call.append("flavor")
                call.append(address.key)
                call.append("")
            }
        }
        var reply = try ReplyReader(try await self.runner.write(call), of: Scripts.poolUpdate)
        switch try reply.text() {
        case "done": return .done(PoolVersion(Int64(try reply.int())))
        case "stale": return .stale
        case "used": return .used(queues: try reply.int())
        case let answer: throw .corrupt("pool_update.lua answered \(answer)")
        }
    }

    /// How many queues are registered at each pool; those without any are left out.
    package func queueCounts() async throws(StoreError) -> [PoolName: Int] {
        var command = RedisCommand("HGETALL", arguments: 1)
        command.append(KeySpace.poolCounts)
        var reply = try ReplyReader(try await self.runner.send(command), of: "HGETALL")
        var counts: [PoolName: Int] = [:]
        while !reply.isAtEnd {
            guard let pool = try reply.pool(), let count = Int(try reply.text()) else {
                throw .corrupt("the queues of a pool have no count")
            }
            counts[pool] = count
        }
        return counts
    }
}
