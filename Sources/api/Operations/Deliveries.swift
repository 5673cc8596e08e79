package import Documents
package import Domain
import Store

/// How subscriptions are served: shown, paused, resumed.
extension Operations {
    /// A page of the last attempts made for a subscription, newest first.
    ///
    /// A marker that is no number lists nothing.
    ///
    /// - Parameter page: The marker is the number of an attempt; those before it are listed.
    /// - Throws: ``Refusal/subscriptionNotFound``.
    package func attempts(
        of text: String, in queue: QueueAddress, _ page: PageRequest
    ) async throws -> [AttemptView] {
        let limit = try Self.pageSize(page.limit, max: self.limits.subscriptionPageMax)
        let id = try await self.subscriptionID(text, of: queue)
        let store = try await self.store(of: queue)
        guard let log = try await store.deliveries.attempts(of: queue, subscription: id) else {
            throw Refusal.subscriptionNotFound
        }
        let end = page.marker.map { Int($0) ?? 0 } ?? .max
        return log.attempts.drop { $0.number >= end }.prefix(limit).map { logged in
            AttemptView(
                logged, delivery: store.deliveries.deliveryID(subscription: id, position: logged.position),
                message: logged.report.kind == .notification
                    ? store.messages.id(at: logged.position, in: queue) : nil)
        }
    }

    /// - Returns: How it is served, and whether its subscriber has to confirm.
    /// - Throws: ``Refusal/subscriptionNotFound``.
    package func health(
        of text: String, in queue: QueueAddress
    ) async throws -> (health: SubscriptionHealth, mustConfirm: Bool) {
        let subscription = try await self.getSubscription(text, of: queue)
        let deliveries = try await self.store(of: queue).deliveries
        guard let health = try await deliveries.health(of: queue, subscription: subscription.id) else {
            throw Refusal.subscriptionNotFound
        }
        return (health, self.mustConfirm(subscription.subscriber))
    }

    /// Starts no attempt of a subscription until it is resumed.
    ///
    /// - Throws: ``Refusal/subscriptionNotFound``.
    package func pause(_ text: String, of queue: QueueAddress) async throws {
        let id = try await self.subscriptionID(text, of: queue)
        guard try await self.store(of: queue).deliveries.pause(queue, subscription: id) else {
            throw Refusal.subscriptionNotFound
        }
    }

    /// Ends what keeps a subscription from being served.
    ///
    /// - Throws: ``Refusal/subscriptionNotFound``.
    package func resume(_ text: String, of queue: QueueAddress) async throws {
        let id = try await self.subscriptionID(text, of: queue)
        guard try await self.store(of: queue).deliveries.resume(queue, subscription: id) else {
            throw Refusal.subscriptionNotFound
        }
    }

    /// What the retry policies of a subscription and its queue come to.
    ///
    /// - Parameters:
    ///   - tried: A policy that is asked about in place of those; nothing is stored.
    ///   - ttl: Seconds the message lives; nil: as long as one that does not say.
    /// - Throws: ``Refusal/subscriptionNotFound``.
    package func subscriptionSchedule(
        _ text: String, of queue: QueueAddress, trying tried: RetryPolicy? = nil, ttl: Int?
    ) async throws -> DeliverySchedule {
        let ttls = Limits.ttlMin...self.limits.messageTTLMax
        if let ttl, !ttls.contains(ttl) { throw Self.outOfRange("ttl", ttls) }
        let subscription = try await self.getSubscription(text, of: queue)
        // A subscription outlives its queue, which then has neither a policy nor a ttl of its own.
        let stored = try await self.store(of: queue).queues.metadata(of: queue)
        let metadata = stored.flatMap { QueueMetadata(stored: $0) } ?? .unset
        guard let options = DeliveryOptions(stored: subscription.options) else {
            throw StoreError.corrupt("the options of a subscription")
        }
        let effective = RetryPolicy.effective(
            queue: metadata.retryPolicy, subscription: options.retryPolicy,
            // Only addresses that could be read were ever kept.
            builtIn: ((try? Subscriber(stored: subscription.subscriber))?.scheme.destination ?? .webhook)
                .retryPolicy(default: self.options.retryPolicyDefault)
        )
        let ttl = ttl ?? metadata.attributes.messageTTLDefault ?? self.limits.messageTTLDefault
        return DeliverySchedule(
            policy: tried ?? effective.policy, source: tried == nil ? effective.source : .request, ttl: ttl)
    }

    /// The delivery status of a message for each subscription of its queue, in the order of their creation.
    ///
    /// The message need not be there any more. A marker that is no id of a subscription lists nothing.
    ///
    /// - Throws: ``Refusal/messageNotFound`` for an id that this queue never gave.
    package func deliveryStatuses(
        of text: String, in queue: QueueAddress, _ page: PageRequest
    ) async throws -> (message: MessageID, statuses: [DeliveryStatusView]) {
        let limit = try Self.pageSize(page.limit, max: self.limits.subscriptionPageMax)
        let store = try await self.store(of: queue)
        guard let message = MessageID(text), store.messages.isIssued(message, in: queue) else {
            try await store.ping()
            throw Refusal.messageNotFound
        }
        var after: SubscriptionID?
        if let marker = page.marker {
            guard let id = SubscriptionID(marker) else {
                try await store.ping()
                return (message, [])
            }
            after = id
        }
        let statuses = try await store.deliveries.statuses(of: message.position, in: queue, after: after, limit: limit)
        var body: ArraySlice<UInt8>?
        if statuses.contains(where: { $0.filteringOptions != nil }) {
            // One that does not open was held against no policy.
            do { body = try await self.foundMessages([text], in: queue).first?.body } catch is BodyUnreadable {}
        }
        return (
            message,
            statuses.map {
                DeliveryStatusView(
                    $0,
                    delivery: store.deliveries.deliveryID(
                        subscription: $0.subscription, position: message.position),
                    mustConfirm: self.confirmedOnly.contains($0.destination), filter: Self.verdict(of: $0, on: body))
            }
        )
    }

    /// - Parameter body: nil: the message is gone.
    private static func verdict(of status: DeliveryStatus, on body: ArraySlice<UInt8>?) -> FilterVerdict? {
        guard let body, let options = status.filteringOptions, let filter = DeliveryOptions(stored: options)?.filter
        else {
            return nil
        }
        return filter.verdict(on: body.span)
    }

    /// What a filter policy says of a message that need not be there.
    ///
    /// - Throws: ``Refusal/subscriptionNotFound``, or ``Refusal/requestInvalid(_:)`` where neither the subscription nor the request has
    ///   a policy.
    package func testFilter(
        of text: String, in queue: QueueAddress, _ body: FilterTestBody
    ) async throws -> FilterVerdict {
        let subscription = try await self.getSubscription(text, of: queue)
        guard let filter = body.filter ?? DeliveryOptions(stored: subscription.options)?.filter else {
            throw Refusal.requestInvalid("The subscription has no filter: give one to try, as the member filter.")
        }
        return filter.verdict(on: body.body.span)
    }
}
