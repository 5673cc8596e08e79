import Documents
package import Domain
import NIOConcurrencyHelpers
import NIOCore
import Store

/// Messages that sessions acknowledge: an attempt of a notifier lasts until the client has said what became of it
/// (docs/decisions/0075-messages-that-are-acknowledged.md).
extension SessionNode {
    /// Outcomes of attempts, by notifier.
    typealias Outcomes = [String: [(attempt: UInt64, outcome: SessionInbox.Outcome)]]

    /// One target of a notification, at a connection of this node.
    struct Known {
        let target: SessionInbox.Target
        let session: SessionID
        let subscribed: SubscribedSession.Subscribed
    }

    /// Sends a message that is to be acknowledged, unless the connection has it already.
    func send(_ delivery: SessionInbox.Delivery, _ entry: SessionInbox.Entry, to known: Known) -> SessionInbox.Outcome {
        // While it is being subscribed its client does not know the subscription yet.
        guard let timeout = known.subscribed.options.acknowledgement?.timeout, let id = known.subscribed.id else {
            return .full
        }
        let (key, now) = (known.session.description, ContinuousClock.now)
        let begun = self.state.withLockedValue { state in
            state.sessions[key]?.pending.begin(
                delivery.id, delivery.number, of: entry.queue, from: entry.notifier, attempt: known.target.attempt,
                for: timeout, at: now)
        }
        switch begun {
        case nil: return .unknown
        case .full?: return .full
        case .answered(let answer)?: return answer.outcome
        case .there(let end)?: return .unacknowledged(seconds: Int(((end - now) / .seconds(1)).rounded(.up)))
        case .new?: break
        }
        let frame = AcknowledgedNotification.message(
            entry.notification, id: delivery.message, of: id, delivery: delivery.id, number: delivery.number)
        let results = self.registry.send(frame, to: [(session: known.session, format: known.subscribed.format)])
        if results == [.written] { return .unacknowledged(seconds: timeout) }
        self.state.withLockedValue { $0.sessions[key]?.pending.cancel(delivery.id) }
        return results.first.map(SessionInbox.Outcome.init) ?? .unknown
    }

    package func answer(
        _ session: SessionID, _ deliveries: [DeliveryID], of queue: QueueAddress, _ answer: DeliveryAnswer
    ) async throws -> [DeliveryID] {
        let (key, now) = (session.description, ContinuousClock.now)
        var answered: [(id: DeliveryID, pending: PendingDeliveries.Pending)] = []
        var unknown: [DeliveryID] = []
        self.state.withLockedValue { state in
            for id in deliveries {
                if let pending = state.sessions[key]?.pending.answer(id, of: queue, answer, at: now) {
                    answered.append((id, pending))
                } else {
                    unknown.append(id)
                }
            }
        }
        do throws(StoreError) {
            try await self.finish(answered.map(\.pending), answer.outcome)
        } catch {
            self.state.withLockedValue { state in
                for (id, _) in answered { state.sessions[key]?.pending.takeBack(id) }
            }
            throw error
        }
        return unknown
    }

    package func removed(_ session: SessionID, _ id: SubscriptionID, of queue: QueueAddress) async {
        let key = session.description
        let removed = self.state.withLockedValue { $0.sessions[key]?.remove(queue, id) }
        guard let removed else { return }
        // It is deleted; what is left is what others would find of it.
        if let entry = removed.subscribed.entry(of: queue) { self.state.withLockedValue { $0.ending.append(entry) } }
        if let name = removed.subscribed.options.name {
            let address = SessionAddress(node: self.node, session: key)
            await self.giveUp([(SessionNames.Entry(name, of: queue), address)])
        }
        await self.giveBack(removed.pending)
    }

    /// Answers the notifiers whose attempts end.
    func finish(_ pending: [PendingDeliveries.Pending], _ outcome: SessionInbox.Outcome) async throws(StoreError) {
        guard !pending.isEmpty else { return }
        let outcomes = Dictionary(grouping: pending, by: \.notifier).mapValues { pending in
            pending.map { (attempt: $0.attempt, outcome: outcome) }
        }
        try await self.inbox.finish([], of: self.node, outcomes)
    }
}

extension DeliveryAnswer {
    fileprivate var outcome: SessionInbox.Outcome {
        switch self {
        case .acknowledged: .written
        case .rejected(let seconds): .rejected(seconds: seconds)
        }
    }
}

extension SessionInbox.Outcome {
    init(_ result: SessionSendResult) {
        switch result {
        case .written: self = .written
        case .unknown: self = .unknown
        case .full: self = .full
        case .unreadable: self = .unreadable
        }
    }
}
