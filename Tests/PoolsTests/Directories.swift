import Domain
import NIOConcurrencyHelpers
import NIOPosix
import Pools
import Redis
import Store
import TestKit

/// A directory over a control store of the test's own, as a process has one.
func withDirectory(
    on redis: RedisServer, random: @escaping @Sendable (Range<Int>) -> Int = { Int.random(in: $0) },
    _ body: (PoolDirectory) async throws -> Void
) async throws {
    try await withRedisPool(to: redis.endpoint) { pool in
        let control = try await Store.open(on: pool, shards: 16, logger: quietLogger())
        let directory = try await PoolDirectory.open(
            control: control, endpoint: RedisURI(redis.endpoint),
            PoolDirectory.Settings(
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: quietLogger(), random: random))
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Ends by cancellation, as it would by a stop.
            group.addTask { try await directory.run() }
            do {
                try await body(directory)
            } catch {
                group.cancelAll()
                throw error
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}

extension PoolDirectory {
    func put(_ name: String, _ uri: String, weight: Int = 1, label: String? = nil) async throws {
        let pool = Pool(
            name: try PoolName(name), uri: uri, weight: weight, label: label, options: Array("{}".utf8),
            capabilities: .redis)
        try await self.change { snapshot throws(Refusal) in try snapshot.putting(pool) }
    }

    func remove(_ name: String, isForced: Bool = false) async throws {
        let pool = try PoolName(name)
        try await self.change(unused: isForced ? nil : pool) { snapshot throws(Refusal) in
            try snapshot.removing(pool)
        }
    }

    func put(flavor: FlavorAddress, of pools: [String]) async throws {
        try await self.change { snapshot throws(Refusal) in try snapshot.putting(flavor, of: pools) }
    }

    /// Makes a queue where it belongs, and tells where that is.
    func make(_ queue: QueueAddress, _ wish: PlaceWish = PlaceWish()) async throws -> PoolName? {
        try await self.making(queue, wish) { place in
            _ = try await place.store.queues.create(
                queue, metadata: Array("{}".utf8), attributes: QueueAttributes())
            return place.pool
        }
    }
}

func address(_ project: String, _ name: String) throws -> QueueAddress {
    QueueAddress(project: try ProjectID(project), name: try QueueName(name))
}

/// Random numbers that are the same in every run (SplitMix64).
final class SeededNumbers: Sendable {
    private let state: NIOLockedValueBox<UInt64>

    init(seed: UInt64) { self.state = NIOLockedValueBox(seed) }

    func draw(_ range: Range<Int>) -> Int {
        let bits = self.state.withLockedValue { state in
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
            return mixed ^ mixed >> 31
        }
        return range.lowerBound + Int(bits % UInt64(range.count))
    }
}
