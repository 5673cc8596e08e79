package import Redis
import Runtime

/// The open files that attempts take, beside what is open anyway.
package struct AttemptFiles: Sendable {
    /// While it connects, a transfer may try two addresses at once, and as many connections as there may be attempts are
    /// kept for the next ones.
    private static let perAttempt = 3

    /// Redis, the admin server, the resolver's threads, the log: what is open besides webhooks.
    private let others: Int

    /// - Parameters:
    ///   - redis: Where the control store is. Over a cluster each shard is waited for by a connection of its own.
    ///   - shards: Of the deployment.
    package init(_ redis: RedisURL, shards: Int) {
        self.others = if case .cluster = redis.topology { 256 + shards } else { 256 }
    }

    /// The open files that so many attempts at once may take.
    package func needed(for attempts: Int) -> Int { attempts * Self.perAttempt + self.others }

    /// Raises the soft limit of open files as far as needed and allowed.
    ///
    /// - Returns: How many attempts there may be at once; `wanted`, or fewer when the hard limit is too low.
    func raise(for wanted: Int) -> Int {
        let limit = OpenFiles.raise(to: self.needed(for: wanted))
        guard limit < self.needed(for: wanted) else { return wanted }
        return max(1, (limit - self.others) / Self.perAttempt)
    }
}
