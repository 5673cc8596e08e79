import Documents
import Domain
import Signing
import Store

extension Operations {
    /// Seconds a test waits for a notifier.
    private static let testTTL = 300

    /// Has a test delivered to a subscriber: attempted once, at its window, order, limit and pause, and seen in the log
    /// of its attempts.
    ///
    /// - Throws: ``Refusal/subscriptionNotFound``, ``Refusal/subscriptionUnconfirmed``, or ``Refusal/requestInvalid(_:)``
    ///   for a subscriber that nothing can be sent to; what is wrong with the body comes first.
    func testSubscription(_ text: String, of queue: QueueAddress, document: [UInt8]) async throws -> DeliveryID {
        let test = try TestBody(document: document)
        let subscription = try await self.getSubscription(text, of: queue)
        guard self.confirmation == nil || subscription.confirmed else { throw Refusal.subscriptionUnconfirmed }
        guard try Subscriber(subscription.subscriber).scheme != .mailto else {
            throw Refusal.requestInvalid("Email is not delivered yet.")
        }
        let payload = NotificationPayload.encode(
            body: test.body[...], ttl: Self.testTTL, delay: nil, queue: queue.name, kind: .test)
        let store = try await self.store(of: queue)
        // Where messages are encrypted at rest, so is what is said to try them.
        let isSealed = try await store.queues.encryptsMessages(queue)
        let document = isSealed ? SealedBody.seal(payload.span, for: queue, in: self.vault) : payload
        let position = try await store.subscriptions.test(
            queue, id: subscription.id, document: document, isSealed: isSealed, ttl: Self.testTTL)
        guard let position else { throw Refusal.subscriptionNotFound }
        return store.deliveries.deliveryID(subscription: subscription.id, position: position)
    }
}
