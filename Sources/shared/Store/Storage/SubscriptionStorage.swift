package import Domain

/// The subscriptions of the queues of one store.
///
/// They outlive their queue, and an expired one is gone at once for every reader.
package protocol SubscriptionStorage: Sendable {
    /// Subscribes an address to a queue, unless it already is.
    ///
    /// A missing queue is created with empty metadata.
    ///
    /// - Parameters:
    ///   - ttl: Seconds it lives; it must end before the year 10000.
    ///   - options: The JSON object as the caller wrote it.
    ///   - pace: What the options say of it.
    ///   - trust: One that was made for it, and is to be removed when it ends; nil: none was.
    ///   - max: The limit of the project, where it has as many subscriptions: a new one is refused.
    /// - Throws: ``Refusal/limitReached(_:max:)`` likewise, and when the project has as many queues as it may.
    func create(
        _ queue: QueueAddress, subscriber: Subscriber, ttl: Int, options: [UInt8], pace: Pace, trust: TrustID?,
        atLimit max: Int?
    ) async throws -> (id: SubscriptionID, outcome: SubscribeOutcome)

    /// Living subscriptions of a queue in the order of their creation, behind `after`, which need not live any more.
    ///
    /// The page has `limit` of them unless there are no more.
    func list(
        _ queue: QueueAddress, after: SubscriptionID?, limit: Int
    ) async throws(StoreError) -> [Subscription]

    /// Reads one subscription; nil when this queue has none of the id, or it has ended.
    func get(_ queue: QueueAddress, id: SubscriptionID) async throws(StoreError) -> Subscription?

    /// Finds the living subscription of an address; nil when there is none.
    func find(
        _ subscriber: Subscriber, of queue: QueueAddress
    ) async throws(StoreError) -> (id: SubscriptionID, confirmed: Bool)?

    /// Finds a living subscription by its id alone, in whichever shard; nil when there is none.
    func find(_ id: SubscriptionID) async throws(StoreError) -> (queue: QueueAddress, subscription: Subscription)?

    /// Reads subscriptions of one shard, whatever their queues; those that do not live are left out.
    ///
    /// One that cannot be read keeps none of the others from being read.
    ///
    /// - Parameter orEnded: Whether those count too whose time is over, for as long as they are there.
    func read(
        _ ids: [SubscriptionID], in shard: Int, orEnded: Bool
    ) async throws(StoreError) -> SubscriptionsRead

    /// Ends a subscription of this queue, if there is one of the id: nothing is sent to it from now on.
    func delete(_ queue: QueueAddress, id: SubscriptionID) async throws(StoreError)

    /// Changes a subscription.
    ///
    /// Links that were sent to another address than the new one count no more.
    ///
    /// - Parameter resettingConfirmation: Whether another subscriber has to confirm anew.
    func update(
        _ queue: QueueAddress, id: SubscriptionID, _ change: SubscriptionChange, resettingConfirmation: Bool
    ) async throws(StoreError) -> SubscriptionUpdate

    /// Writes down that a subscriber agreed to be notified, or withdrew.
    ///
    /// - Parameters:
    ///   - linkExpiry: When the link ends that the subscriber used, seconds since the epoch; nil: the owner says it.
    ///   - address: The subscriber that the link was sent to; nil: that follows from its expiry.
    /// - Returns: false when this queue has no living subscription of the id, or the link was sent to an address that the
    ///   subscription had before.
    func confirm(
        _ queue: QueueAddress, id: SubscriptionID, _ confirmed: Bool, linkExpiry: Int64?, address: String?
    ) async throws(StoreError) -> Bool

    /// Writes down that a subscriber left by a link of a mail; links that were sent to it before confirm no more.
    ///
    /// Leaving again changes nothing. It works while the store takes no other writes because its memory is full.
    ///
    /// - Parameters:
    ///   - address: The subscriber, as it was read: another one meanwhile is not what the link was sent to.
    ///   - returnExpiry: When the link for a return is to end, seconds since the epoch.
    /// - Returns: When the link for a return ends, no sooner than asked for; nil when this queue has no living subscription of
    ///   the id, or it has another address.
    func leave(
        _ queue: QueueAddress, id: SubscriptionID, address: String, returnExpiry: Int64
    ) async throws(StoreError) -> Int64?

    /// Ends every subscription of a queue.
    func purge(_ queue: QueueAddress) async throws(StoreError)

    /// Gives a subscription its next secret.
    ///
    /// - Parameter overlap: Seconds the one before goes on counting; 0 ends it at once. One before that ends in any case.
    /// - Returns: nil when this queue has no living subscription of the id.
    func rotateSecret(
        _ queue: QueueAddress, id: SubscriptionID, overlap: Int
    ) async throws(StoreError) -> SecretVersions?

    /// Has a confirmation delivered to a subscriber, with the attempts of any delivery.
    ///
    /// Its document holds the signature its link works with, so it is dropped with the delivery, and no dead letter keeps
    /// it.
    ///
    /// - Throws: ``StoreError/overloaded`` when as many deliveries of the subscription or of its project wait as may.
    func requestConfirmation(
        _ queue: QueueAddress, id: SubscriptionID, _ request: ConfirmationRequest
    ) async throws(StoreError) -> ConfirmationOutcome

    /// Has a test document delivered to a subscriber, which was not posted.
    ///
    /// - Parameters:
    ///   - isSealed: Whether the document is what stands for it, as the bodies of a queue that encrypts.
    ///   - ttl: Seconds; it is not attempted after that.
    /// - Throws: ``StoreError/overloaded`` when as many deliveries of the subscription or of its project wait as may.
    /// - Returns: Its position, which no message has; nil when this queue has no living subscription of the id.
    func test(
        _ queue: QueueAddress, id: SubscriptionID, document: [UInt8], isSealed: Bool, ttl: Int
    ) async throws(StoreError) -> Position?
}

extension SubscriptionStorage {
    /// Without a trust that was made for it, or however many the project has.
    package func create(
        _ queue: QueueAddress, subscriber: Subscriber, ttl: Int, options: [UInt8], pace: Pace = Pace(),
        trust: TrustID? = nil
    ) async throws -> (id: SubscriptionID, outcome: SubscribeOutcome) {
        try await self.create(
            queue, subscriber: subscriber, ttl: ttl, options: options, pace: pace, trust: trust, atLimit: nil)
    }

    /// By the owner, or by a link that says by its expiry whom it was sent to.
    package func confirm(
        _ queue: QueueAddress, id: SubscriptionID, _ confirmed: Bool, linkExpiry: Int64? = nil
    ) async throws(StoreError) -> Bool {
        try await self.confirm(queue, id: id, confirmed, linkExpiry: linkExpiry, address: nil)
    }

    /// With a document as it is.
    package func test(
        _ queue: QueueAddress, id: SubscriptionID, document: [UInt8], ttl: Int
    ) async throws(StoreError) -> Position? {
        try await self.test(queue, id: id, document: document, isSealed: false, ttl: ttl)
    }
}
