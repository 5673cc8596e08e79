package import NIOCore
package import Redis
package import Store

/// What one project has, as this process knows it: what the shards said last, and what it let in since.
///
/// So the sum over all shards, which no script can see, is read about once a second, however many requests ask. What other processes let in
/// within that time is not seen: a project may exceed a limit by as much.
package struct UsageTally: Sendable, Equatable {
    /// What a request does first.
    package enum Step: Sendable, Equatable {
        case known
        /// The shards are to be asked, and what is known counts until they have answered.
        case sum
        /// The shards are to be asked, since nothing is known.
        case wait
    }

    /// How long the sum of the shards counts.
    package static let lifetime = TimeAmount.seconds(1)

    /// By the Redis they live in; nil for one that has never said.
    private var pools: [RedisURL: StoredUsage?] = [:]
    private var readAt: NIODeadline?
    private var isAsking = false
    /// Let in since the sum was asked for that counts.
    private var since = StoredUsage()
    /// Of these, what was let in before the sum was asked for that is under way, and is in it.
    private var covered = StoredUsage()

    package init() {}

    package var usage: StoredUsage { self.pools.values.reduce(self.since) { $0 + ($1 ?? StoredUsage()) } }

    /// Whether every pool has said what the project has.
    package var isWhole: Bool { self.pools.values.allSatisfy { $0 != nil } }

    package func step(at now: NIODeadline) -> Step {
        guard let readAt = self.readAt else { return .wait }
        return now < readAt + Self.lifetime || self.isAsking ? .known : .sum
    }

    /// The shards are asked.
    package mutating func ask() {
        self.isAsking = true
        self.covered = self.since
    }

    /// The shards have said what they have.
    ///
    /// - Parameter pools: nil for one that did not answer: it is taken to have what it had.
    package mutating func read(_ pools: [RedisURL: StoredUsage?], at now: NIODeadline) {
        self.pools = Dictionary(
            uniqueKeysWithValues: pools.map { url, usage in (url, usage ?? self.pools[url] ?? nil) })
        self.readAt = now
        self.isAsking = false
        self.release(self.covered)
    }

    /// Something is let in.
    package mutating func add(_ usage: StoredUsage) { self.since = self.since + usage }

    /// Something that was let in is counted elsewhere, or not stored.
    package mutating func release(_ usage: StoredUsage) {
        self.since.bytes = max(0, self.since.bytes - usage.bytes)
        self.since.subscriptions = max(0, self.since.subscriptions - usage.subscriptions)
        self.covered.bytes = max(0, self.covered.bytes - usage.bytes)
        self.covered.subscriptions = max(0, self.covered.subscriptions - usage.subscriptions)
    }
}
