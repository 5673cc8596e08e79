import Documents
import Domain
import Logging
import Placement
import Runtime
import Signing
import Store

extension Operations {
    /// Subscribes an address to a queue, and makes the queue if it is not there.
    ///
    /// - Parameter document: The request's body; empty stands for `{}`.
    /// - Returns: The id, also of a subscription that was there already and is not confirmed: nothing about it changes.
    /// - Throws: ``Refusal/subscriptionExists`` when it was there and is confirmed.
    func createSubscription(
        to queue: QueueAddress, document: [UInt8], now: Timestamp
    ) async throws -> SubscriptionID {
        let wish = try SubscriptionBody(document: document, now: now, schemes: self.modes.subscriberSchemes)
        try wish.subscriber.checkAddress()
        let ttl = wish.ttl ?? self.limits.subscriptionTTLDefault
        let (id, outcome) = try await self.stores.making(queue) { place in
            try await place.store.subscriptions.create(
                queue, subscriber: wish.subscriber, ttl: ttl, options: wish.options, pace: wish.pace)
        }
        if outcome == .exists(confirmed: true) { throw Refusal.subscriptionExists }
        // A crash before this leaves a subscription that was not asked; its wish, unanswered, comes again and asks.
        try await self.askConfirmation(
            .subscriptionConfirmation, of: wish.subscriber.uri, id, of: queue, ttl: ttl, now: now)
        return id
    }

    /// A page of subscriptions, oldest first.
    ///
    /// A marker that is no id lists nothing.
    func listSubscriptions(of queue: QueueAddress, marker: String?, limit: Int) async throws -> [Subscription] {
        var after: SubscriptionID?
        if let marker {
            guard let id = SubscriptionID(marker) else {
                try await self.ping(for: queue)
                return []
            }
            after = id
        }
        return try await self.store(of: queue).subscriptions.list(queue, after: after, limit: limit)
    }

    /// - Throws: ``Refusal/subscriptionNotFound``.
    func getSubscription(_ text: String, of queue: QueueAddress) async throws -> Subscription {
        guard let id = SubscriptionID(text) else {
            try await self.ping(for: queue)
            throw Refusal.subscriptionNotFound
        }
        guard let subscription = try await self.store(of: queue).subscriptions.get(queue, id: id) else {
            throw Refusal.subscriptionNotFound
        }
        return subscription
    }

    /// Changes a subscription; what the body does not say stays.
    ///
    /// - Throws: ``Refusal/subscriptionNotFound`` or ``Refusal/subscriberTaken``; what is wrong with the body comes first.
    func updateSubscription(
        _ text: String, of queue: QueueAddress, document: [UInt8], now: Timestamp
    ) async throws {
        let patch = try SubscriptionPatch(document: document, now: now, schemes: self.modes.subscriberSchemes)
        try patch.subscriber?.checkAddress()
        guard let id = SubscriptionID(text) else {
            try await self.ping(for: queue)
            throw Refusal.subscriptionNotFound
        }
        let change = SubscriptionChange(
            subscriber: patch.subscriber, ttl: patch.ttl, options: patch.options, pace: patch.pace)
        // Whoever confirmed one address must not have it exchanged for a stranger's.
        let resets = self.confirmation != nil
        switch try await self.store(of: queue).subscriptions.update(
            queue, id: id, change, resettingConfirmation: resets)
        {
        case .updated: break
        case .absent: throw Refusal.subscriptionNotFound
        case .taken: throw Refusal.subscriberTaken
        }
        guard resets, change.subscriber != nil,
            let changed = try await self.store(of: queue).subscriptions.get(queue, id: id),
            !changed.confirmed
        else { return }
        try await self.askConfirmation(
            .subscriptionConfirmation, of: changed.subscriber, id, of: queue, ttl: changed.ttl, now: now)
    }

    /// Writes down that a subscriber agreed, or withdrew.
    ///
    /// - Parameter linkExpiry: Of the link the subscriber was sent, seconds since the epoch; nil: the owner says it. A link
    ///   counts for the address it was sent to, until it expires.
    /// - Throws: ``Refusal/subscriptionNotFound``; what is wrong with the body comes first.
    func confirmSubscription(
        _ text: String, of queue: QueueAddress, document: [UInt8], linkExpiry: Int64?, now: Timestamp
    ) async throws {
        let body = try ConfirmationBody(document: document)
        guard let id = SubscriptionID(text) else {
            try await self.ping(for: queue)
            throw Refusal.subscriptionNotFound
        }
        guard
            try await self.store(of: queue).subscriptions.confirm(
                queue, id: id, body.isConfirmed, linkExpiry: linkExpiry)
        else {
            throw Refusal.subscriptionNotFound
        }
        guard !body.isConfirmed, self.confirmation != nil,
            let withdrawn = try await self.store(of: queue).subscriptions.get(queue, id: id)
        else { return }
        do throws(StoreError) {
            try await self.askConfirmation(
                .unsubscribeConfirmation, of: withdrawn.subscriber, id, of: queue,
                ttl: self.limits.subscriptionTTLDefault, now: now)
        } catch {
            guard error.trouble == .full || error.trouble == .overloaded else { throw error }
            // It is withdrawn, and stays so: only the link that takes it back is not sent.
            self.logger.warning(
                "A subscriber that withdrew cannot be sent the way back",
                metadata: [LogKey.subscriptionID: "\(id)", LogKey.storeTrouble: "\(error.trouble.rawValue)"])
        }
    }

    /// Ends a subscription.
    ///
    /// One that is not there is no error.
    func deleteSubscription(_ text: String, of queue: QueueAddress) async throws {
        guard let id = SubscriptionID(text) else { return try await self.ping(for: queue) }
        try await self.store(of: queue).subscriptions.delete(queue, id: id)
    }

    /// What the subscriber checks our webhooks with.
    ///
    /// - Throws: ``Refusal/subscriptionNotFound``.
    func subscriptionSecrets(_ text: String, of queue: QueueAddress) async throws -> WebhookSecrets {
        let subscription = try await self.getSubscription(text, of: queue)
        return self.masterKey.webhookSecrets(
            project: queue.project, subscription: subscription.id, versions: subscription.secret)
    }

    /// Gives a subscription its next secret; for a while webhooks are signed with the one before, too.
    ///
    /// - Throws: ``Refusal/subscriptionNotFound``; what is wrong with the body comes first.
    func rotateSecret(_ text: String, of queue: QueueAddress, document: [UInt8]) async throws -> WebhookSecrets {
        let body = try SecretRotationBody(document: document)
        let id = try await self.subscriptionID(text, of: queue)
        let versions = try await self.store(of: queue).subscriptions.rotateSecret(
            queue, id: id, overlap: body.overlap)
        guard let versions else { throw Refusal.subscriptionNotFound }
        return self.masterKey.webhookSecrets(project: queue.project, subscription: id, versions: versions)
    }

    /// - Throws: ``Refusal/subscriptionNotFound`` for a text that is no id.
    func subscriptionID(_ text: String, of queue: QueueAddress) async throws -> SubscriptionID {
        guard let id = SubscriptionID(text) else {
            try await self.ping(for: queue)
            throw Refusal.subscriptionNotFound
        }
        return id
    }
}
