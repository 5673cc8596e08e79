import Domain
import Store

/// What became of a message for one subscription, with the rule that decided.
struct ToldFate: Sendable {
    /// What a caller is told of the state.
    enum State: String, Sendable, CaseIterable {
        case notEligible = "not_eligible"
        case queued
        case inFlight = "in_flight"
        case waiting
        case delivered
        case deadLetter = "dead_letter"
        case ended
    }

    let fate: DeliveryStatus
    let delivery: DeliveryID
    let state: State
    let rule: String

    /// - Parameter isAsking: Whether only confirmed subscriptions are notified.
    init(_ fate: DeliveryStatus, delivery: DeliveryID, isAsking: Bool) {
        self.fate = fate
        self.delivery = delivery
        let isLeftOut = isAsking && !fate.isConfirmed
        (self.state, self.rule) =
            switch fate.place {
            case .later: (.notEligible, "subscribed_later")
            case .event: isLeftOut ? (.notEligible, "unconfirmed") : (.queued, "not_fanned_out")
            case .leased: (.inFlight, "leased")
            case .waiting(let hold, _): (.waiting, hold.rawValue)
            case .dead(let letter): (.deadLetter, letter.reason.rawValue)
            case .none:
                switch fate.last {
                case .some(let last): last.report.isSuccess ? (.delivered, "answered") : (.ended, "let_go")
                case nil: isLeftOut ? (.notEligible, "unconfirmed") : (.ended, "forgotten")
                }
            }
    }

    /// Attempts made so far.
    var attempts: Int {
        switch self.fate.place {
        case .later, .event: 0
        case .leased, .waiting: max(self.fate.attempt - 1, 0)
        case .dead(let letter): letter.attempts
        case .none: self.fate.last?.attempt ?? 0
        }
    }

    /// When the next attempt may start; nil when none will, or when somebody has to end what holds it.
    var nextDue: Timestamp? {
        if case .waiting(_, let until) = self.fate.place { until } else { nil }
    }
}

extension Operations {
    /// What became of a message for each subscription of its queue, in the order of their creation.
    ///
    /// The message need not be there any more. A marker that is no id of a subscription lists nothing.
    ///
    /// - Throws: ``Refusal/messageNotFound`` for an id that this queue never gave.
    func explain(
        _ text: String, of queue: QueueAddress, marker: String?, limit: Int
    ) async throws -> (message: MessageID, page: [ToldFate]) {
        let store = try await self.store(of: queue)
        guard let message = MessageID(text), store.messages.isIssued(message, in: queue) else {
            try await store.ping()
            throw Refusal.messageNotFound
        }
        var after: SubscriptionID?
        if let marker {
            guard let id = SubscriptionID(marker) else {
                try await store.ping()
                return (message, [])
            }
            after = id
        }
        let fates = try await store.deliveries.fates(of: message.position, in: queue, after: after, limit: limit)
        return (
            message,
            fates.map {
                ToldFate(
                    $0,
                    delivery: store.deliveries.deliveryID(
                        subscription: $0.subscription, position: message.position),
                    isAsking: self.confirmation != nil)
            }
        )
    }
}
