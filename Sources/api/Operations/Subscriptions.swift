package import Documents
package import Domain
import HTTPClient
import Logging
import Mail
import Placement
import Runtime
package import Signing
import Store

extension Operations {
    /// Subscribes an address to a queue, and creates the queue if it does not exist.
    ///
    /// Of one that was there already nothing changes, unless it is to be renewed: then it lives anew, and has the options of the body where
    /// this says some.
    ///
    /// - Parameters:
    ///   - renews: Whether one that was there is renewed.
    ///   - token: The one that the request brought; nil: none.
    /// - Returns: The id, and whether the subscription was there and is renewed.
    /// - Throws: ``Refusal/subscriptionExists(id:)`` when it was there and is confirmed, and is not to be renewed.
    package func createSubscription(
        to queue: QueueAddress, _ body: SubscriptionBody, renewing renews: Bool = false, token: String? = nil,
        now: Timestamp
    ) async throws -> (id: SubscriptionID, isRenewed: Bool) {
        try body.subscriber.checkAddress()
        try self.checkConfirmable(body.subscriber, of: queue)
        var ttl = body.ttl ?? self.limits.subscriptionTTLDefault
        let (id, outcome) = try await self.subscribe(body, to: queue, ttl: ttl, token: token, now: now)
        if case .exists(let isConfirmed) = outcome, renews {
            ttl = try await self.renew(id, of: queue, by: body, token: token, now: now)
            if isConfirmed { return (id, true) }
        }
        if outcome == .exists(confirmed: true) { throw Refusal.subscriptionExists(id: id.text) }
        // A crash before this leaves a subscription whose subscriber is not asked; the caller, without an answer, repeats the request.
        try await self.askConfirmation(
            .subscriptionConfirmation, of: body.subscriber.uri, id, of: queue, ttl: ttl, now: now)
        return (id, outcome != .created && renews)
    }

    /// - Returns: The ttl that it has now.
    private func renew(
        _ id: SubscriptionID, of queue: QueueAddress, by body: SubscriptionBody, token: String?, now: Timestamp
    ) async throws -> Int {
        // It ends meanwhile, or did: the caller repeats, and gets a new one.
        guard let there = try await self.store(of: queue).subscriptions.get(queue, id: id) else {
            throw StoreError.contended
        }
        let endsAgain = body.saysOptions && LifeOption.isAsked(stored: there.options)
        let ttl = body.ttl ?? (endsAgain ? self.limits.subscriptionTTLDefault : there.ttl)
        do {
            try await self.updateSubscription(
                id.text, of: queue, SubscriptionPatch(renewingBy: body, ttl: ttl), token: token, now: now)
        } catch Refusal.subscriptionNotFound { throw StoreError.contended }
        return ttl
    }

    private func subscribe(
        _ body: SubscriptionBody, to queue: QueueAddress, ttl: Int, token: String?, now: Timestamp
    ) async throws -> (id: SubscriptionID, outcome: SubscribeOutcome) {
        guard body.subscriber.scheme.isTrusted else {
            return try await self.subscribe(
                body.subscriber, to: queue, ttl: ttl, options: body.options, pace: body.pace)
        }
        // A trust is made only for what is not there yet, and may be there.
        if let known = try await self.store(of: queue).subscriptions.find(body.subscriber, of: queue) {
            return (known.id, .exists(confirmed: known.confirmed))
        }
        let max = try await self.projects.limits(of: queue.project).subscriptions
        guard await !self.usage.hasAllSubscriptions(queue.project, max: max) else {
            throw Refusal.limitReached(.subscriptions, max: max)
        }
        let trust = try await self.trust(for: body, of: queue, token: token, until: now.adding(seconds: ttl))
        return try await self.dropping(trust.made, token) {
            let subscribed = try await self.subscribe(
                body.subscriber, to: queue, ttl: ttl, options: trust.options, pace: body.pace, trust: trust.made)
            return (subscribed, isStored: subscribed.outcome == .created)
        }
    }

    /// Stores something with a trust that was made for it, and removes the trust where that was not stored.
    ///
    /// Where it is not known, its removal is planned.
    private func dropping<Result>(
        _ made: TrustID?, _ token: String?, _ store: () async throws -> (Result, isStored: Bool)
    ) async throws -> Result {
        do {
            let (result, isStored) = try await store()
            if !isStored { await self.drop(made, token) }
            return result
        } catch {
            if (error as? StoreError)?.mayHaveWritten != true { await self.drop(made, token) }
            throw error
        }
    }

    /// Removes a trust that nothing needs any more, where the request may.
    private func drop(_ made: TrustID?, _ token: String?) async {
        if let made { await self.trusts?.remove(made, with: token) }
    }

    /// Writes a subscription down, within the limits of the project; one that is there stays as it is.
    ///
    /// - Parameter trust: One that was made for it; nil: none was.
    func subscribe(
        _ subscriber: Subscriber, to queue: QueueAddress, ttl: Int, options: [UInt8], pace: Pace,
        trust: TrustID? = nil
    ) async throws -> (id: SubscriptionID, outcome: SubscribeOutcome) {
        let limits = try await self.projects.limits(of: queue.project)
        let max = limits.subscriptions
        let isAtLimit = await self.usage.hasAllSubscriptions(queue.project, max: max)
        let made = try await self.stores.making(queue, queuesMax: limits.queues) { place in
            try Self.check(options, on: place.store)
            if let trust { try await place.store.trusts.plan(trust, of: queue) }
            return try await place.store.subscriptions.create(
                queue, subscriber: subscriber, ttl: ttl, options: options, pace: pace, trust: trust,
                atLimit: isAtLimit ? max : nil)
        }
        if made.outcome == .created { self.usage.addSubscription(to: queue.project, max: max) }
        return made
    }

    /// Refuses options that ask for what the version before would not do.
    private static func check(_ options: [UInt8]?, on store: Store) throws(Refusal) {
        guard store.format < StoreFormat.understood.upperBound, let options,
            let options = DeliveryOptions(stored: options)
        else { return }
        if options.filter != nil { try Self.check("_filter", StoreFormat.ofFilters, on: store) }
        if options.retryPolicy?.waits != nil { try Self.check("A schedule of waits", StoreFormat.ofWaits, on: store) }
        if options.signatures.includesAsymmetric {
            try Self.check(SignatureSchemes.optionName, StoreFormat.ofSignatures, on: store)
        }
        if options.format != .zaqar { try Self.check(DeliveryFormat.optionName, StoreFormat.ofFormats, on: store) }
    }

    /// - Parameter subject: What asks for the format, as the beginning of a sentence.
    static func check(_ subject: String, _ format: Int, on store: Store) throws(Refusal) {
        guard store.format >= format else {
            throw .requestInvalid("\(subject) \(StoreFormat.words(asking: format, of: store.format))")
        }
    }

    /// A page of subscriptions, oldest first.
    ///
    /// A marker that is no id lists nothing.
    package func listSubscriptions(of queue: QueueAddress, _ page: PageRequest) async throws -> [Subscription] {
        let limit = try Self.pageSize(page.limit, max: self.limits.subscriptionPageMax)
        var after: SubscriptionID?
        if let marker = page.marker {
            guard let id = SubscriptionID(marker) else {
                try await self.ping(for: queue)
                return []
            }
            after = id
        }
        return try await self.store(of: queue).subscriptions.list(queue, after: after, limit: limit)
    }

    /// - Throws: ``Refusal/subscriptionNotFound``.
    package func getSubscription(_ text: String, of queue: QueueAddress) async throws -> Subscription {
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
    /// - Parameter token: The one that the request brought; nil: none.
    /// - Throws: ``Refusal/subscriptionNotFound`` or ``Refusal/subscriberTaken``; what is wrong with the address comes first.
    package func updateSubscription(
        _ text: String, of queue: QueueAddress, _ patch: SubscriptionPatch, token: String? = nil, now: Timestamp
    ) async throws {
        if let subscriber = patch.subscriber {
            try subscriber.checkAddress()
            try self.checkConfirmable(subscriber, of: queue)
        }
        guard let id = SubscriptionID(text) else {
            try await self.ping(for: queue)
            throw Refusal.subscriptionNotFound
        }
        // A confirmed address must not have it exchanged for another one.
        let resets = patch.subscriber.map { self.confirmedOnly.contains($0.scheme.destination) } ?? false
        var tries = 0
        while try await !self.update(id, of: queue, patch, resettingConfirmation: resets, token: token, now: now) {
            tries += 1
            guard tries < Self.updatesMax else { throw StoreError.contended }
        }
        guard resets,
            let changed = try await self.store(of: queue).subscriptions.get(queue, id: id),
            !changed.confirmed
        else { return }
        try await self.askConfirmation(
            .subscriptionConfirmation, of: changed.subscriber, id, of: queue, ttl: changed.ttl, now: now)
    }

    /// How often a change is made again that met another one.
    private static let updatesMax = 8

    /// Changes a subscription as it was read: what is checked of it is what is changed.
    ///
    /// - Returns: False: it was changed meanwhile, and not by this.
    private func update(
        _ id: SubscriptionID, of queue: QueueAddress, _ patch: SubscriptionPatch, resettingConfirmation resets: Bool,
        token: String?, now: Timestamp
    ) async throws -> Bool {
        let store = try await self.store(of: queue)
        guard let there = try await store.subscriptions.get(queue, id: id) else { throw Refusal.subscriptionNotFound }
        try Self.check(patch.options, on: store)
        try LifeOption.check(patch, of: there.options)
        if let scheme = patch.subscriber?.scheme ?? (try? Subscriber(stored: there.subscriber))?.scheme {
            try patch.signatures.check(for: scheme.destination)
            // Options that stay count for the new address.
            let stays = patch.options == nil && patch.subscriber != nil
            let format = stays ? DeliveryOptions(stored: there.options)?.format : patch.format
            try format?.check(for: scheme.destination)
        }
        let changesUse = patch.subscriber != nil || patch.options != nil
        guard !changesUse || SessionSubscriber(there.subscriber) == nil else {
            throw Refusal.requestInvalid(
                "The subscriber and the options of a connection's subscription are the connection's to say.")
        }
        var wanted = SubscriptionChange(
            subscriber: patch.subscriber, ttl: patch.ttl, options: patch.options, pace: patch.pace)
        wanted.version = there.version
        let (change, made) = try await self.trusting(wanted, patch, of: there, in: queue, token: token, now: now)
        let before = change.trust == .stays ? nil : try await store.trusts.made(for: id, of: queue)
        let isUpdated = try await self.dropping(made, token) {
            if let made { try await store.trusts.plan(made, of: queue) }
            switch try await store.subscriptions.update(queue, id: id, change, resettingConfirmation: resets) {
            case .updated: return (true, isStored: true)
            case .changed: return (false, isStored: false)
            case .absent: throw Refusal.subscriptionNotFound
            case .taken: throw Refusal.subscriberTaken
            }
        }
        // Attempts that are under way with a token of it are made again with one of the next.
        if isUpdated { await self.drop(before, token) }
        return isUpdated
    }

    /// Writes down that a subscriber agreed, or withdrew.
    ///
    /// - Parameter linkExpiry: Of the link the subscriber was sent, seconds since the epoch; nil: the owner says it. A link
    ///   counts for the address it was sent to, until it expires.
    /// - Throws: ``Refusal/subscriptionNotFound``.
    package func confirmSubscription(
        _ text: String, of queue: QueueAddress, _ body: ConfirmationBody, linkExpiry: Int64?, now: Timestamp
    ) async throws {
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
        guard !body.isConfirmed, !self.confirmedOnly.isEmpty,
            let withdrawn = try await self.store(of: queue).subscriptions.get(queue, id: id)
        else { return }
        do throws(StoreError) {
            try await self.askConfirmation(
                .unsubscribeConfirmation, of: withdrawn.subscriber, id, of: queue,
                ttl: self.limits.subscriptionTTLDefault, now: now)
        } catch {
            guard error.trouble == .full || error.trouble == .overloaded else { throw error }
            // It is withdrawn, and stays so: only the link for a return is not sent.
            self.logger.warning(
                "A subscriber that withdrew cannot be sent the link for a return",
                metadata: [LogKey.subscriptionID: "\(id)", LogKey.storeTrouble: "\(error.trouble.rawValue)"])
        }
    }

    /// Ends a subscription.
    ///
    /// One that is not there is no error.
    ///
    /// - Parameter token: The one that the request brought; nil: none.
    package func deleteSubscription(_ text: String, of queue: QueueAddress, token: String? = nil) async throws {
        guard let id = SubscriptionID(text) else { return try await self.ping(for: queue) }
        let trust = self.trusts == nil ? nil : try await self.store(of: queue).trusts.made(for: id, of: queue)
        try await self.store(of: queue).subscriptions.delete(queue, id: id)
        // What it could not be removed with now, a notifier removes later.
        await self.drop(trust, token)
    }

    /// The secrets a subscriber checks webhooks with.
    ///
    /// - Throws: ``Refusal/subscriptionNotFound``.
    package func subscriptionSecrets(_ text: String, of queue: QueueAddress) async throws -> WebhookSecrets {
        let subscription = try await self.getSubscription(text, of: queue)
        return self.masterKey.webhookSecrets(
            project: queue.project, subscription: subscription.id, versions: subscription.secret)
    }

    /// Gives a subscription its next secret; for a while webhooks are signed with the one before, too.
    ///
    /// - Throws: ``Refusal/subscriptionNotFound``.
    package func rotateSecret(
        _ text: String, of queue: QueueAddress, _ body: SecretRotationBody
    ) async throws -> WebhookSecrets {
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

    /// Seconds a test waits for a notifier.
    private static let testTTL = 300

    /// Has a test delivered to a subscriber: attempted once, at its window, order, limit and pause, and seen in the log
    /// of its attempts.
    ///
    /// - Throws: ``Refusal/subscriptionNotFound``, ``Refusal/subscriptionUnconfirmed``, or ``Refusal/requestInvalid(_:)``
    ///   for a subscriber that nothing can be sent to.
    package func testSubscription(
        _ text: String, of queue: QueueAddress, _ test: TestBody
    ) async throws -> DeliveryID {
        let subscription = try await self.getSubscription(text, of: queue)
        guard !self.mustConfirm(subscription.subscriber) || subscription.confirmed else {
            throw Refusal.subscriptionUnconfirmed
        }
        guard try Subscriber(stored: subscription.subscriber).scheme != .mailto || self.options.sendsMail else {
            throw Refusal.requestInvalid("No mail is sent here: no relay is set.")
        }
        let payload = NotificationPayload.encode(
            body: test.body[...], ttl: Self.testTTL, delay: nil, queue: queue.name, kind: .test)
        let store = try await self.store(of: queue)
        // Where messages are encrypted in the store, so is a test.
        let isSealed = try await store.queues.traits(of: queue).encryptsMessages
        let document = isSealed ? SealedBody.seal(payload.span, for: queue, in: self.vault) : payload
        let position = try await store.subscriptions.test(
            queue, id: subscription.id, document: document, isSealed: isSealed, ttl: Self.testTTL)
        guard let position else { throw Refusal.subscriptionNotFound }
        return store.deliveries.deliveryID(subscription: subscription.id, position: position)
    }
}

extension Subscriber {
    /// Refuses an address that could never be sent to, and says what is wrong with it.
    ///
    /// Whether a name resolves and may be called is decided when a delivery connects (docs/api.md, "Subscriptions").
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    func checkAddress() throws(Refusal) {
        switch self.scheme {
        case .http, .https, .trustHTTP, .trustHTTPS:
            do throws(HTTPURLInvalid) {
                _ = try HTTPURL(self.uri)
            } catch {
                throw .requestInvalid("The subscriber is not a URL that can be called: \(error.reason).")
            }
        case .mailto:
            do throws(MailAddressInvalid) {
                _ = try MailtoURI(self.uri)
            } catch {
                throw .requestInvalid("The subscriber is not an address that mail can be sent to: \(error.reason).")
            }
        case .websocket: break
        }
    }
}
