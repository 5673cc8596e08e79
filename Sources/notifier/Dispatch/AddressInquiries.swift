import Domain
import HTTPClient
import NIOConcurrencyHelpers
import Runtime
import Store

/// Deliveries of one shard that may start only once the control store has said so.
///
/// That store may be away for seconds, so they wait here, in their order, and what needs no answer overtakes them. What is beyond
/// ``bytesMax`` or ``countMax`` is not taken: it is handed back, for each that waits has a slot of its project.
final class AddressInquiries: Sendable {
    /// Bytes of messages that wait for an answer.
    static let bytesMax = ShardSchedule.waitingBytesMax
    /// Deliveries that wait for an answer.
    static let countMax = 512
    /// Deliveries asked about at a time.
    private static let batchMax = ShardSchedule.startsMax

    private struct State {
        var waiting = FairQueue<ProjectID, AttemptPlanner.Located>()
        var (bytes, count) = (0, 0)
        var isStopped = false
    }

    /// Given when something waits that did not before.
    let signal = AsyncSignal()
    private let state = NIOLockedValueBox(State())

    /// - Returns: Those beyond the bound; all of them after ``stop()``.
    func add(_ deliveries: [AttemptPlanner.Located]) -> [AttemptPlanner.Located] {
        guard !deliveries.isEmpty else { return [] }
        let left = self.state.withLockedValue { state in
            deliveries.filter { located in
                guard !state.isStopped, state.bytes < Self.bytesMax, state.count < Self.countMax else { return true }
                state.waiting.append(located, of: located.delivery.lease.queue.project)
                state.bytes += located.delivery.byteCount
                state.count += located.delivery.all.count
                return false
            }
        }
        self.signal.signal()
        return left
    }

    /// The next to ask about, of each project in turn; empty when none waits.
    func next() -> [AttemptPlanner.Located] {
        self.state.withLockedValue { state in
            var batch: [AttemptPlanner.Located] = []
            while batch.count < Self.batchMax, let next = state.waiting.popFirst() {
                state.bytes -= next.delivery.byteCount
                state.count -= next.delivery.all.count
                batch.append(next)
            }
            return batch
        }
    }

    /// No more is asked.
    ///
    /// - Returns: What waited.
    func stop() -> [AttemptPlanner.Located] {
        self.signal.finish()
        return self.state.withLockedValue { state in
            state.isStopped = true
            var rest: [AttemptPlanner.Located] = []
            while let next = state.waiting.popFirst() { rest.append(next) }
            return rest
        }
    }
}
