import Domain
import NIOConcurrencyHelpers
import NIOCore

/// Where queues live, as this process last learned it.
///
/// What is remembered may be out of date: a queue that was deleted and made again elsewhere is looked for in its old place
/// for ``life``. Whoever is about to make a queue is told by the register instead.
final class PlaceMemory: Sendable {
    /// How long one line is believed.
    static let life = TimeAmount.seconds(5)
    /// Queues remembered; when there are more, all are forgotten, and each costs its next request one small read.
    static let queuesMax = 100_000

    private struct Line {
        let pool: PoolName?
        let until: NIODeadline
    }

    private let lines = NIOLockedValueBox<[QueueAddress: Line]>([:])

    /// - Returns: nil when nothing is known; `.some(nil)` for the default store.
    func pool(of queue: QueueAddress) -> PoolName?? {
        self.lines.withLockedValue { lines in
            guard let line = lines[queue], NIODeadline.now() < line.until else { return nil }
            return .some(line.pool)
        }
    }

    func remember(_ queue: QueueAddress, at pool: PoolName?) {
        let line = Line(pool: pool, until: .now() + Self.life)
        self.lines.withLockedValue { lines in
            if lines.count >= Self.queuesMax { lines.removeAll(keepingCapacity: true) }
            lines[queue] = line
        }
    }

    func forget(_ queue: QueueAddress) {
        self.lines.withLockedValue { lines in _ = lines.removeValue(forKey: queue) }
    }
}
