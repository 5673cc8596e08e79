import Domain
import NIOConcurrencyHelpers
import NIOCore

/// Where queues live, as this process learned it a short time ago.
///
/// An entry may be out of date: a queue that was deleted and created again elsewhere is looked for at its old location for
/// ``ttl``. The creation of a queue asks the directory of queues instead.
final class LocationCache: Sendable {
    /// How long an entry is used.
    static let ttl = TimeAmount.seconds(5)
    /// Queues in the cache; when there are more, it is emptied, and each costs its next request one small read.
    static let queuesMax = 100_000

    private struct Entry {
        let pool: PoolName?
        let until: NIODeadline
    }

    private let entries = NIOLockedValueBox<[QueueAddress: Entry]>([:])

    /// - Returns: nil when nothing is known; `.some(nil)` for the default store.
    func pool(of queue: QueueAddress) -> PoolName?? {
        self.entries.withLockedValue { entries in
            guard let entry = entries[queue], NIODeadline.now() < entry.until else { return nil }
            return .some(entry.pool)
        }
    }

    func insert(_ queue: QueueAddress, at pool: PoolName?) {
        let entry = Entry(pool: pool, until: .now() + Self.ttl)
        self.entries.withLockedValue { entries in
            if entries.count >= Self.queuesMax { entries.removeAll(keepingCapacity: true) }
            entries[queue] = entry
        }
    }

    func remove(_ queue: QueueAddress) {
        self.entries.withLockedValue { entries in _ = entries.removeValue(forKey: queue) }
    }
}
