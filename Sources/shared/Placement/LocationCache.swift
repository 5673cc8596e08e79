import Domain
import NIOConcurrencyHelpers
import NIOCore

/// Where queues live, as this process learned it a short time ago.
///
/// What is remembered may be out of date: a queue that was deleted and made again elsewhere is looked for in its old place
/// for ``life``. Whoever is about to make a queue is told by the register instead.
final class LocationCache: Sendable {
    /// How long an entry is used.
    static let life = TimeAmount.seconds(5)
    /// Queues remembered; when there are more, all are forgotten, and each costs its next request one small read.
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

    func remember(_ queue: QueueAddress, at pool: PoolName?) {
        let entry = Entry(pool: pool, until: .now() + Self.life)
        self.entries.withLockedValue { entries in
            if entries.count >= Self.queuesMax { entries.removeAll(keepingCapacity: true) }
            entries[queue] = entry
        }
    }

    func forget(_ queue: QueueAddress) {
        self.entries.withLockedValue { entries in _ = entries.removeValue(forKey: queue) }
    }
}
