import Domain
import Filters
import NIOConcurrencyHelpers
import Signing
import Store

/// Decides for the events of one shard which deliveries the filter policies of subscriptions leave out (docs/filters.md).
///
/// ```
///  take ──undecided──► judge: policies as they are now, bodies opened ──► verdicts ──► the next takes
/// ```
/// An event waits in Redis until its verdicts come, so nothing is lost with them: whichever notifier takes next asks again. Verdicts are
/// kept for some seconds, since the next call may serve other queues.
final class EventFilter: Sendable {
    /// How long verdicts are kept, and how many subscriptions' at most.
    private static let ageMax = Duration.seconds(3)
    private static let rowsMax = 1000
    /// How long decisions of one call may take; of each event one subscription is decided about all the same.
    private static let timeMax = Duration.milliseconds(10)

    private let policies: FilterPolicies
    private let vault: Vault
    private let metrics: NotifierMetrics
    private let kept = NIOLockedValueBox(KeptVerdicts())

    init(policies: FilterPolicies, vault: Vault, metrics: NotifierMetrics) {
        self.policies = policies
        self.vault = vault
        self.metrics = metrics
    }

    /// What was found out lately.
    var verdicts: [EventVerdicts] {
        let now = ContinuousClock.now
        return self.kept.withLockedValue { kept in
            kept.drop(olderThan: now - Self.ageMax, keeping: Self.rowsMax)
            return kept.all
        }
    }

    /// Finds out what the next calls of `take` need.
    ///
    /// A subscription that is gone, or cannot be read, and a body that does not open are not left out: what is to become of these
    /// is decided when the delivery is to be attempted.
    ///
    /// - Throws: When the subscriptions could not be read; then nothing is found out.
    func judge(_ events: [UndecidedEvent], in shard: Int) async throws(StoreError) {
        guard !events.isEmpty else { return }
        let policies = try await self.policies.find(events.flatMap(\.recipients), in: shard)
        let end = ContinuousClock.now + Self.timeMax
        for event in events {
            let verdicts = self.verdicts(on: event, policies, until: end)
            self.metrics.judged(verdicts)
            self.kept.withLockedValue { $0.append(verdicts, at: .now) }
            await Task.yield()
        }
    }

    private func verdicts(
        on event: UndecidedEvent, _ policies: [SubscriptionID: FilterPolicy], until end: ContinuousClock.Instant
    ) -> EventVerdicts {
        let opened = event.messages.map { $0.flatMap { self.body(of: $0, in: event.queue) } }
        var rows: [[Bool]] = []
        for recipient in event.recipients {
            if !rows.isEmpty, ContinuousClock.now > end { break }
            guard let policy = recipient.subscription.flatMap({ policies[$0] }) else {
                rows.append(Array(repeating: true, count: opened.count))
                continue
            }
            rows.append(opened.map { body in body.map { policy.decision(on: $0.span).isMatch } ?? true })
        }
        return EventVerdicts(on: event, wanted: rows)
    }

    /// nil: it does not open.
    private func body(of message: UndecidedEvent.Message, in queue: QueueAddress) -> ArraySlice<UInt8>? {
        guard message.isSealed else { return message.body }
        return try? SealedBody.open(message.body, of: queue.project, in: self.vault).body[...]
    }
}

/// Verdicts in the order in which they were found out.
private struct KeptVerdicts {
    private(set) var all: [EventVerdicts] = []
    private var times: [ContinuousClock.Instant] = []
    private var rows = 0

    mutating func append(_ verdicts: EventVerdicts, at now: ContinuousClock.Instant) {
        self.all.append(verdicts)
        self.times.append(now)
        self.rows += verdicts.rows.count
    }

    /// Removes the oldest.
    mutating func drop(olderThan time: ContinuousClock.Instant, keeping rowsMax: Int) {
        while let first = self.times.first, first < time || self.rows > rowsMax {
            self.times.removeFirst()
            self.rows -= self.all.removeFirst().rows.count
        }
    }
}
