import Domain
import Redis
import Store
import TestKit
import Testing

/// What the model checks run against: the storage of queues, messages and claims, with a clock that is moved by hand.
///
/// A new backend conforms here and becomes a case of ``StorageBackend``; docs/backends.md says what the checks cover.
protocol StorageSubject: Sendable {
    var queues: any QueueStorage { get }
    var messages: any MessageStorage { get }
    var claims: any ClaimStorage { get }
    var time: MovableTime { get }

    /// Removes some of what has expired; a storage without a sweep does nothing.
    func sweep(limit: Int) async throws
    /// Removes all that has expired.
    func sweepAll() async throws
    /// What is left of queues beside themselves; after all has expired and was swept, nothing.
    func leftovers() async throws -> [String]

    /// Whether a move to a dead-letter queue has two steps, between which a process may end.
    var movesInTwoSteps: Bool { get }
    /// Lets the second step of every move fail while `body` runs.
    func interruptingMoves<Result>(_ body: () async throws -> Result) async throws -> Result
    /// Finishes moves; with `again` also those that were finished already, as after a crash between the two.
    func finishMoves(again: Bool) async throws
}

enum StorageBackend: CaseIterable {
    case redis, redis62, valkey, sentinels, cluster, lists
    /// Two stores, between which all queues move again and again.
    case moving

    /// Those with a store.
    static let stores = Self.allCases.filter { $0 != .lists && $0 != .moving }

    /// One of each shape of servers.
    static let servers: [Self] = [.redis, .sentinels, .cluster]

    /// The runs of a check that takes a store with servers: each seed on one Redis, and the first two on a cluster, whose start takes
    /// seconds.
    static func runs(seeds: Int) -> [(seed: UInt64, backend: Self)] {
        (1...UInt64(seeds)).flatMap { seed in
            seed > 2 ? [(seed, .redis)] : [(seed, Self.redis), (seed, .cluster)]
        }
    }

    /// Gives a store, see ``stores``.
    func withServers(
        shards: Int, limits: DeliveryLimits = DeliveryLimits(), _ body: (TestStore) async throws -> Void
    ) async throws {
        switch self {
        case .redis: try await withTestStore(shards: shards, limits: limits, body)
        case .redis62: try await withTestStore(in: .redis62, shards: shards, limits: limits, body)
        case .valkey: try await withTestStore(in: .valkey, shards: shards, limits: limits, body)
        case .sentinels: try await withTestStoreBehindSentinels(shards: shards, limits: limits, body)
        case .cluster: try await withClusteredTestStore(shards: shards, limits: limits, body)
        case .lists, .moving: preconditionFailure("it is not one store")
        }
    }

    func with(shards: Int, _ body: (any StorageSubject) async throws -> Void) async throws {
        switch self {
        case .lists: try await body(ListSubject())
        case .moving:
            try await withTestStore(shards: shards) { test in
                try await withOther(of: test) { other in
                    let subject = MovingSubject([test, other])
                    try await body(subject)
                    #expect(!subject.wasSwept || subject.moves > 0, "nothing was moved")
                }
            }
        case .redis, .redis62, .valkey, .sentinels, .cluster:
            try await self.withServers(shards: shards) { test in try await body(test) }
        }
    }
}

private struct ListSubject: StorageSubject {
    let time: MovableTime
    private let storage: ListStorage

    init() {
        self.time = MovableTime.standing()
        self.storage = ListStorage(time: self.time)
    }

    var queues: any QueueStorage { self.storage }
    var messages: any MessageStorage { self.storage }
    var claims: any ClaimStorage { self.storage }

    func sweep(limit: Int) async throws {}
    func sweepAll() async throws {}
    func leftovers() async throws -> [String] { self.storage.leftovers }

    var movesInTwoSteps: Bool { false }
    func interruptingMoves<Result>(_ body: () async throws -> Result) async throws -> Result { try await body() }
    func finishMoves(again: Bool) async throws {}
}

extension TestStore: StorageSubject {
    var queues: any QueueStorage { self.store.queues }
    var messages: any MessageStorage { self.store.messages }
    var claims: any ClaimStorage { self.store.claims }

    private var tags: [String] { Shards(count: self.store.deliveries.shards).tags }

    func sweep(limit: Int) async throws {
        for shard in self.tags.indices { _ = try await self.store.deliveries.sweep(shard, limit: limit) }
    }

    func sweepAll() async throws {
        for shard in self.tags.indices { try await self.sweepAll(shard: shard) }
    }

    func leftovers() async throws -> [String] {
        try await self.shardKeys().filter { $0 != "last-position" && $0 != "moves" && !$0.hasSuffix(":meta") }
    }

    var movesInTwoSteps: Bool { true }

    func interruptingMoves<Result>(_ body: () async throws -> Result) async throws -> Result {
        let marks = self.tags.map { "herald:{\($0)}:arrivals" }
        for key in marks {
            if try await self.command("EXISTS", key).int == 1 {
                try await self.command("RENAME", key, key + "-kept")
            }
            try await self.command("SET", key, "in the way")
        }
        let result = try await body()
        for key in marks {
            try await self.command("DEL", key)
            if try await self.command("EXISTS", key + "-kept").int == 1 {
                try await self.command("RENAME", key + "-kept", key)
            }
        }
        return result
    }

    func finishMoves(again: Bool) async throws {
        for (shard, tag) in self.tags.enumerated() {
            let entries = try await self.command("XRANGE", "herald:{\(tag)}:moves", "-", "+").array ?? []
            try await self.sweepAll(shard: shard)
            guard again else { continue }
            // As if the process had died before it could remove them.
            for entry in entries {
                guard let fields = entry.array?[1].array else { continue }
                var command = RedisCommand("XADD", arguments: 2 + fields.count)
                command.append(RedisKey("herald:{\(tag)}:moves"))
                command.append("*")
                for field in fields { command.append(field.bytes ?? []) }
                _ = try await self.pool.send(command)
            }
            try await self.sweepAll(shard: shard)
        }
    }
}
