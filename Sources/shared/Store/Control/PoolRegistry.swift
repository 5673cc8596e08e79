package import Domain
import Redis

/// Counts the changes of pools and flavors; 0 where there never was any.
package struct PoolVersion: Hashable, Sendable {
    package let number: Int64

    package init(_ number: Int64) { self.number = number }

    /// By which no queue is ever entered: whoever makes one has it entered first.
    package static let never = PoolVersion(-1)
}

/// All pools and flavors as they were at one moment.
package struct PoolSnapshot: Sendable, Equatable {
    package var version: PoolVersion
    /// In the order of their names.
    package var pools: [Pool]
    package var flavors: [FlavorAddress: Flavor]

    package init(version: PoolVersion = PoolVersion(0), pools: [Pool] = [], flavors: [FlavorAddress: Flavor] = [:]) {
        self.version = version
        self.pools = pools
        self.flavors = flavors
    }
}

/// One change of many that are made at once.
package enum PoolChange: Sendable {
    case put(Pool)
    case remove(PoolName)
    case putFlavor(FlavorAddress, Flavor)
    case removeFlavor(FlavorAddress)
}

package enum PoolCommit: Sendable, Equatable {
    case done(PoolVersion)
    /// Somebody else changed something since the snapshot: nothing was changed.
    case stale
    /// The pool that was to have no queues has some: nothing was changed.
    case used(queues: Int)
}

package enum QueueReservation: String, Sendable {
    /// The name is kept, or the queue lives there already.
    case kept
    /// The queue lives on another pool, or is kept for one.
    case elsewhere
    /// The pools have changed.
    case stale
}

/// Where a queue lives.
package enum QueueSpot: Sendable, Equatable {
    /// nil: in the default store.
    case at(PoolName?)
    case nowhere
    /// Nowhere, and its name is kept for this pool.
    case reserved(PoolName?)
}

/// The pools, the flavors, and where each queue lives: the control store's own part of a store.
package struct PoolRegistry: Sendable {
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
            guard let name = try pools.pool(), let pool = Pool(name: name, record: try pools.bytes()) else {
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
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.poolUpdate)
        switch try reply.text() {
        case "done": return .done(PoolVersion(Int64(try reply.int())))
        case "stale": return .stale
        case "used": return .used(queues: try reply.int())
        case let answer: throw .corrupt("pool_update.lua answered \(answer)")
        }
    }

    /// How many queues are entered at each pool; those without any are left out.
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

    /// Learns where queues of one project live, in their order.
    package func locate(_ queues: [QueueAddress]) async throws(StoreError) -> [QueueSpot] {
        guard let project = queues.first?.project else { return [] }
        var call = self.runner.call(
            Scripts.queueLocate,
            keys: [
                KeySpace.queueNames(of: project), KeySpace.queuePools(of: project), KeySpace.reservations(of: project),
                KeySpace.pools,
            ])
        for queue in queues { call.append(queue.name.text) }
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.queueLocate)
        var spots: [QueueSpot] = []
        while !reply.isAtEnd {
            var spot = try reply.reader()
            switch try spot.text() {
            case "at": spots.append(.at(try spot.pool()))
            case "nowhere": spots.append(.nowhere)
            case "reserved": spots.append(.reserved(try spot.pool()))
            case let answer: throw .corrupt("queue_locate.lua answered \(answer)")
            }
        }
        guard spots.count == queues.count else { throw .corrupt("queue_locate.lua answered of other queues") }
        return spots
    }

    /// Enters a queue at a pool that was chosen for it, unless it lives somewhere or its name is kept for another pool.
    ///
    /// - Parameter version: Of the pools the choice was made from.
    package func enter(
        _ queue: QueueAddress, at pool: PoolName?, by version: PoolVersion
    ) async throws(StoreError) -> QueueEntry {
        try await QueueRegister(runner: self.runner, homes: [pool], version: version)
            .enter(queue, at: pool, by: version, keepingReservation: true)
    }

    /// Keeps the name of a queue for a pool, for good: dead letters arrive on the pool of their source.
    ///
    /// - Parameter version: Of the pools the caller knows.
    package func reserve(
        _ queue: QueueAddress, at pool: PoolName?, by version: PoolVersion
    ) async throws(StoreError) -> QueueReservation {
        var call = self.runner.call(
            Scripts.queueReserve,
            keys: [
                KeySpace.queueNames(of: queue.project), KeySpace.queuePools(of: queue.project),
                KeySpace.reservations(of: queue.project), KeySpace.pools, KeySpace.poolVersion,
            ])
        call.append(queue.name.text)
        call.append(pool?.text ?? "")
        call.append(String(version.number))
        let answer = try await self.runner.run(call).text ?? ""
        guard let reservation = QueueReservation(rawValue: answer) else {
            throw .corrupt("queue_reserve.lua answered \(answer)")
        }
        return reservation
    }
}
