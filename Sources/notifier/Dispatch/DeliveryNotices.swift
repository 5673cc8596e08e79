import Domain
import Logging
import NIOConcurrencyHelpers
import Runtime
import Store

/// Names in the log what an operator asks for first: subscriptions that are not served any more, and dead letters.
///
/// Each kind has its own bound, since callers influence how many there are; metrics count all of them.
final class DeliveryNotices: Sendable {
    private struct Budgets {
        var held = NoticeBudget()
        var deadLetters = NoticeBudget()
    }

    private let deliveries: any DeliveryStorage
    private let logger: Logger
    private let budgets = NIOLockedValueBox(Budgets())

    init(deliveries: any DeliveryStorage, logger: Logger) {
        self.deliveries = deliveries
        self.logger = logger
    }

    /// - Parameter settlements: Those that were written down, as `settled` says.
    func settled(_ settlements: [Settlement], _ settled: Settled) {
        for held in settled.held {
            guard let queue = settlements.first(where: { $0.token.subscription == held.subscription })?.queue,
                let count = self.budgets.withLockedValue({ $0.held.admit(at: .now) })
            else { continue }
            var metadata = Self.metadata(queue, held.subscription, count)
            metadata[LogKey.reason] = "\(held.hold.rawValue)"
            self.logger.notice("A subscription is not served any more", metadata: metadata)
        }
        for (settlement, isWritten) in zip(settlements, settled.written) {
            guard isWritten, case .deadLetter(let reason, _, _) = settlement.ending,
                let count = self.budgets.withLockedValue({ $0.deadLetters.admit(at: .now) })
            else { continue }
            let token = settlement.token
            var metadata = Self.metadata(settlement.queue, token.subscription, count)
            let id = self.deliveries.deliveryID(subscription: token.subscription, position: token.position)
            metadata[LogKey.deliveryID] = "\(id.text)"
            metadata[LogKey.deliveryAttempt] = "\(token.attempt)"
            metadata[LogKey.reason] = "\(reason.rawValue)"
            self.logger.notice("A delivery became a dead letter", metadata: metadata)
        }
    }

    /// - Parameter count: Events that the line stands for.
    private static func metadata(
        _ queue: QueueAddress, _ subscription: SubscriptionID, _ count: Int
    ) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            LogKey.projectID: "\(queue.project.text)", LogKey.queueName: "\(queue.name)",
            LogKey.subscriptionID: "\(subscription.text)",
        ]
        if count > 1 { metadata[LogKey.repeated] = "\(count)" }
        return metadata
    }
}

/// How many lines of one kind are written: so many in each period; the first of the next says how many were left out before it.
package struct NoticeBudget: Sendable {
    package static let linesMax = 20
    package static let period = Duration.seconds(5)

    private var start: ContinuousClock.Instant?
    private var lines = 0
    private var omitted = 0

    package init() {}

    /// - Returns: How many events a line about one that happened now stands for; nil: none is written.
    package mutating func admit(at now: ContinuousClock.Instant) -> Int? {
        if self.start.map({ now - $0 >= Self.period }) ?? true { (self.start, self.lines) = (now, 0) }
        guard self.lines < Self.linesMax else {
            self.omitted += 1
            return nil
        }
        self.lines += 1
        defer { self.omitted = 0 }
        return self.omitted + 1
    }
}
