import Domain
import Store

extension Operations {
    /// The delivery status of a message for each subscription of its queue, in the order of their creation.
    ///
    /// The message need not be there any more. A marker that is no id of a subscription lists nothing.
    ///
    /// - Throws: ``Refusal/messageNotFound`` for an id that this queue never gave.
    func explain(
        _ text: String, of queue: QueueAddress, marker: String?, limit: Int
    ) async throws -> (message: MessageID, page: [DeliveryStatusView]) {
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
        let statuses = try await store.deliveries.fates(of: message.position, in: queue, after: after, limit: limit)
        return (
            message,
            statuses.map {
                DeliveryStatusView(
                    $0,
                    delivery: store.deliveries.deliveryID(
                        subscription: $0.subscription, position: message.position),
                    confirmedOnly: self.confirmation != nil)
            }
        )
    }
}
