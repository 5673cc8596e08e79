import Domain
import NIOConcurrencyHelpers
import NIOPosix
import Placement
import Redis
import Store
import TestKit

/// A directory over a control store of the test's own, as a process has one.
func withDirectory(
    on redis: RedisServer, formats: ClosedRange<Int> = StoreFormat.understood,
    random: @escaping @Sendable (Range<Int>) -> Int = { Int.random(in: $0) },
    _ body: (PoolDirectory) async throws -> Void
) async throws {
    try await withRedisClient(to: redis.endpoint) { pool in
        let control = try await Store.open(on: pool, shards: 16, formats: formats, logger: quietLogger())
        let directory = try await PoolDirectory.open(
            control: control, url: RedisURL(redis.endpoint),
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
        let pool = StoragePool(
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
    func make(_ queue: QueueAddress, _ request: PlacementRequest = PlacementRequest()) async throws -> PoolName? {
        try await self.making(queue, request) { placement in
            _ = try await placement.store.queues.create(
                queue, metadata: Array("{}".utf8), attributes: QueueAttributes())
            return placement.pool
        }
    }
}

func address(_ project: String, _ name: String) throws -> QueueAddress {
    QueueAddress(project: try ProjectID(project), name: try QueueName(name))
}

/// Random numbers that are the same in every run, for several tasks.
final class SeededNumbers: Sendable {
    private let generator: NIOLockedValueBox<SeededGenerator>

    init(seed: UInt64) { self.generator = NIOLockedValueBox(SeededGenerator(seed: seed)) }

    func draw(_ range: Range<Int>) -> Int {
        self.generator.withLockedValue { range.lowerBound + Int($0.next() % UInt64(range.count)) }
    }
}
