import Domain
import NIOConcurrencyHelpers
import Store

/// Follows queues to the pool they move to: a call that meets a closed queue waits until it is open, and goes on there.
final class MovedQueues: QueueRelocation {
    /// How long a call waits, and how often it looks.
    ///
    /// Longer than an ordinary move keeps a queue closed; what takes longer is refused, and may be repeated.
    private static let timeout = Duration.seconds(10)
    private static let interval = Duration.milliseconds(20)

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
        directory.cache.remove(queue)
        while true {
            // The mark before the note: what another move closes behind this back has another mark, and stays closed.
            let placement = try await directory.placement(of: queue)
            let mark = try await placement?.store.closedQueues.mark(of: queue)
            let note = try await directory.defaultStore.moveNotes.note(of: queue)
            if note == nil || note?.phase == .cleaning {
                guard let now = try await directory.placement(of: queue) else { return directory.defaultStore.access }
                if now.pool == placement?.pool {
                    if let mark { try await now.store.closedQueues.open(queue, mark: mark, isNew: false) }
                    return now.store.access
                }
            }
            guard ContinuousClock.now < end else { throw .closed }
            do { try await Task.sleep(for: Self.interval) } catch { throw .closed }
        }
    }
}
