import Domain
import NIOConcurrencyHelpers
import Store

/// Follows queues to the pool they move to: a call that meets a closed queue waits until it is open, and goes on there.
final class MovedQueues: QueueRelocation {
    /// How long a call waits, and how often it looks.
    ///
    /// Longer than an ordinary move keeps a queue closed; what takes longer is refused, and may be repeated.
    private static let timeout = Duration.seconds(10)
    private static let pauseFirst = Duration.milliseconds(20)
    private static let pauseLongest = Duration.milliseconds(320)

    private struct Owner {
        weak var directory: PoolDirectory?
    }

    private let owner = NIOLockedValueBox(Owner())

    /// Whose queues they are; it holds this object.
    var directory: PoolDirectory? {
        get { self.owner.withLockedValue { $0.directory } }
        set { self.owner.withLockedValue { $0.directory = newValue } }
    }

    func access(nowTo queue: QueueAddress) async throws(StoreError) -> StoreAccess {
        guard let directory else { throw .closed }
        let end = ContinuousClock.now + Self.timeout
        var pause = Self.pauseFirst
        directory.cache.remove(queue)
        while true {
            // The mark before the note: what another move closes behind this back has another mark, and stays closed.
            let placement = try await directory.placement(of: queue)
            let store = placement?.store ?? directory.defaultStore
            let mark = try await store.closedQueues.mark(of: queue)
            let note = try await directory.defaultStore.moveNotes.note(of: queue)
            if note == nil || note?.phase == .cleaning {
                let now = try await directory.placement(of: queue)
                if now?.pool == placement?.pool {
                    // What nothing moves was left by a move that brought it back, or that was given up.
                    if let mark { try await store.closedQueues.open(queue, mark: mark, isNew: false) }
                    return store.access
                }
            }
            guard ContinuousClock.now < end else { throw .closed }
            do { try await Task.sleep(for: pause) } catch { throw .closed }
            pause = min(pause * 2, Self.pauseLongest)
        }
    }
}
