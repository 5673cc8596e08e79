import Documents
import Domain
import Store

extension Operations {
    /// What the retry policies of a subscription and its queue come to.
    ///
    /// - Parameter ttl: Seconds the message lives; nil: as long as one that does not say.
    /// - Throws: ``Refusal/subscriptionNotFound``.
    func subscriptionSchedule(_ text: String, of queue: QueueAddress, ttl: Int?) async throws -> DeliverySchedule {
        let subscription = try await self.getSubscription(text, of: queue)
        // A subscription outlives its queue, which then has neither a policy nor a ttl of its own.
        let stored = try await self.store(of: queue).queues.metadata(of: queue)
        let metadata = stored.flatMap { QueueMetadata(stored: $0) } ?? .unset
        let (policy, source) = RetryPolicy.effective(
            queue: metadata.retryPolicy, subscription: DeliveryOptions(stored: subscription.options).retryPolicy)
        let ttl = ttl ?? metadata.attributes.messageTTLDefault ?? self.limits.messageTTLDefault
        return DeliverySchedule(policy: policy, source: source, ttl: ttl)
    }
}
