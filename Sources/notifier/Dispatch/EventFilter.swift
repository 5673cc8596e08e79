import Domain
import Filters
import NIOConcurrencyHelpers
import Signing
import Store

/// Decides for the events of one shard which deliveries the filter policies of subscriptions leave out (docs/filters.md).
///
/// ```
///  take ──undecided──► judge: subscriptions as they are now, bodies opened ──► verdicts ──► the next take
/// ```
/// An event waits in Redis until its verdicts come, so nothing is lost with them: whichever notifier takes next asks again.
final class EventFilter: Sendable {
    private let recipients: Recipients
    private let vault: Vault
    private let metrics: NotifierMetrics
    private let judged = NIOLockedValueBox<[EventVerdicts]>([])

    init(recipients: Recipients, vault: Vault, metrics: NotifierMetrics) {
        self.recipients = recipients
        self.vault = vault
        self.metrics = metrics
    }

    /// What the last ``judge(_:in:)`` found out.
    var verdicts: [EventVerdicts] { self.judged.withLockedValue { $0 } }

    /// Finds out what the next call of `take` needs, in place of what the last one needed.
    ///
    /// A subscription that is gone, or cannot be read, and a body that does not open are not left out: what is to become of these
    /// is decided when the delivery is to be attempted.
    ///
    /// - Throws: When the subscriptions could not be read; then there are no verdicts.
    func judge(_ events: [UndecidedEvent], in shard: Int) async throws(StoreError) {
        self.judged.withLockedValue { $0 = [] }
        guard !events.isEmpty else { return }
        let wanted = events.flatMap { event in
            event.recipients.compactMap { $0.map { Recipients.Wanted($0.subscription, version: $0.version, of: event.queue) } }
        }
        var found = zip(wanted, try await self.recipients.find(wanted, in: shard)).makeIterator()
        let verdicts = events.map { event in
            let bodies = event.messages.map { $0.flatMap { self.body(of: $0, in: event.queue) } }
            let rows = event.recipients.map { recipient -> [Bool] in
                guard recipient != nil, case (_, .known(let known))? = found.next(), let filter = known.filter else {
                    return Array(repeating: true, count: bodies.count)
                }
                return bodies.map { body in body.map { filter.decision(on: $0.span).isMatch } ?? true }
            }
            return EventVerdicts(on: event, wanted: rows)
        }
        self.metrics.judged(verdicts)
        self.judged.withLockedValue { $0 = verdicts }
    }

    /// nil: it does not open.
    private func body(of message: UndecidedEvent.Message, in queue: QueueAddress) -> [UInt8]? {
        guard message.isSealed else { return Array(message.body) }
        return try? SealedBody.open(message.body, of: queue.project, in: self.vault).body
    }
}
