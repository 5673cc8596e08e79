import Domain
import Synchronization

/// What decides how a message is posted to a queue, as this process last saw it: a post need not ask first.
///
/// What is remembered may be out of date, so every post states it, and the store refuses a post that is wrong.
final class TraitsMemory: Sendable {
    /// Queues remembered; when there are more, all are dropped, and the next post to each costs one small read.
    private static let queuesMax = 10_000

    private let known = Mutex<[QueueAddress: QueueTraits]>([:])

    /// nil: not seen yet, or dropped.
    subscript(queue: QueueAddress) -> QueueTraits? {
        get { self.known.withLock { $0[queue] } }
        set {
            self.known.withLock { known in
                guard known[queue] != newValue else { return }
                if known.count >= Self.queuesMax { known.removeAll(keepingCapacity: true) }
                known[queue] = newValue
            }
        }
    }
}
