import Domain
import Store

/// The leases this notifier holds in one shard, from the answer that brought them until their outcome is written down.
///
/// ```
///  started ──► running ──► ended ──► settled (removed)
///                 │          ▲
///                 └─► lost ──┘   the renewal was refused: somebody else has it, nothing is written down
/// ```
struct UnderWay: Sendable {
    /// What is known about one lease.
    struct Entry: Sendable {
        /// The newest token: renewals change it.
        var token: LeaseToken
        let queue: QueueAddress
        /// Of its message, and what its request takes beside it.
        var bodyBytes: Int
        var isLost = false
        var ending: Settlement.Ending?
        /// nil: nothing was attempted.
        var report: AttemptReport?
    }

    /// Names a lease among those of its shard; the number of the attempt is part of it.
    struct Key: Hashable, Sendable {
        let subscription: SubscriptionID
        let position: Position
        let attempt: Int

        init(_ token: LeaseToken) {
            self.subscription = token.subscription
            self.position = token.position
            self.attempt = token.attempt
        }
    }

    private(set) var entries: [Key: Entry] = [:]
    /// Ended and not yet written down, in the order they ended.
    private var ended: [Key] = []

    mutating func start(_ lease: Lease) {
        self.entries[Key(lease.token)] = Entry(
            token: lease.token, queue: lease.queue, bodyBytes: lease.body.count)
    }

    mutating func load(_ key: Key, bytes: Int) {
        self.entries[key]?.bodyBytes += bytes
    }

    /// - Returns: Whether it is the first that waits to be written down.
    mutating func end(_ key: Key, with ending: Settlement.Ending, _ report: AttemptReport?) -> Bool {
        guard let index = self.entries.index(forKey: key), self.entries.values[index].ending == nil else {
            preconditionFailure("an attempt ended that was not under way")
        }
        self.entries.values[index].ending = ending
        self.entries.values[index].report = report
        self.ended.append(key)
        return self.ended.count == 1
    }

    /// The next results to write down, oldest first; they stay under way until ``remove(_:)``.
    mutating func takeEnded(upTo limit: Int) -> [Key] {
        let keys = Array(self.ended.prefix(limit))
        self.ended.removeFirst(keys.count)
        return keys
    }

    /// What is to be written down about a lease, with its newest token; nil when the lease is lost.
    func settlement(of key: Key) -> Settlement? {
        guard let entry = self.entries[key], let ending = entry.ending, !entry.isLost else { return nil }
        return Settlement(entry.token, of: entry.queue, ending, after: entry.report)
    }

    /// - Returns: Bytes of the bodies that are under way no more.
    mutating func remove(_ keys: [Key]) -> Int {
        keys.reduce(0) { $0 + (self.entries.removeValue(forKey: $1)?.bodyBytes ?? 0) }
    }

    /// The leases that end before a time.
    ///
    /// One that is handed back is left alone: that needs the token as it is.
    func tokens(endingBefore time: Timestamp) -> [LeaseToken] {
        self.entries.values.filter { $0.token.leasedUntil < time && !$0.isLost && $0.ending != .handedBack }.map(
            \.token)
    }

    /// - Parameter renewed: nil: the lease is somebody else's.
    mutating func renew(_ token: LeaseToken, to renewed: LeaseToken?) {
        if let renewed {
            self.entries[Key(token)]?.token = renewed
        } else {
            self.entries[Key(token)]?.isLost = true
        }
    }
}
