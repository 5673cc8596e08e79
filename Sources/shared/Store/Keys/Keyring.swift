import Domain

/// Where a thing lies: the keys of every shard, and the shard of every queue.
struct Keyring: Sendable {
    private let spread: Shards
    let shards: [ShardKeys]

    init(_ spread: Shards) {
        self.spread = spread
        self.shards = spread.tags.map { ShardKeys(tag: $0) }
    }

    func number(of queue: QueueAddress) -> Int { self.spread.shard(of: queue) }

    func shard(of queue: QueueAddress) -> ShardKeys { self.shards[self.number(of: queue)] }
}
