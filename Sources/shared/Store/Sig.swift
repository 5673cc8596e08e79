package import Domain

package struct Store: Sendable {
    package let queues: QueueStore
    package let messages: MessageStore
    package let subscriptions: SubscriptionStore
    package let deliveries: DeliveryStore
    package let shards: Int
    package func ping() async throws(StoreError) { preconditionFailure() }
    package func probeWritable() async throws(StoreError) { preconditionFailure() }
}

package struct QueueStore: Sendable {
    package func create(_ queue: QueueAddress, metadata: [UInt8], attributes: QueueAttributes) async throws(StoreError) -> Bool { preconditionFailure() }
    package func metadata(of queue: QueueAddress) async throws(StoreError) -> [UInt8]? { preconditionFailure() }
    package func delete(_ queue: QueueAddress) async throws(StoreError) { preconditionFailure() }
    package func list(of project: ProjectID, after: String?, limit: Int) async throws(StoreError) -> [QueueListing] { preconditionFailure() }
    package func count(of project: ProjectID) async throws(StoreError) -> Int { preconditionFailure() }
}

package struct MessageStore: Sendable {
    package func post(_ messages: [MessageDraft], to queue: QueueAddress, by client: ClientID, requestBytes: Int, defaults: PostDefaults) async throws -> [MessageID] { preconditionFailure() }
    package func list(_ queue: QueueAddress, after: MessageID?, limit: Int, hiding: ClientID?, includeDelayed: Bool, includeClaimed: Bool) async throws(StoreError) -> [StoredMessage] { preconditionFailure() }
    package func get(_ queue: QueueAddress, id: MessageID) async throws(StoreError) -> StoredMessage? { preconditionFailure() }
    package func isIssued(_ id: MessageID, in queue: QueueAddress) -> Bool { preconditionFailure() }
}

package struct SubscriptionStore: Sendable {
    package func create(_ queue: QueueAddress, subscriber: Subscriber, ttl: Int, options: [UInt8]) async throws(StoreError) -> (id: SubscriptionID, outcome: SubscribeOutcome) { preconditionFailure() }
    package func list(_ queue: QueueAddress, after: SubscriptionID?, limit: Int) async throws(StoreError) -> [Subscription] { preconditionFailure() }
    package func get(_ queue: QueueAddress, id: SubscriptionID) async throws(StoreError) -> Subscription? { preconditionFailure() }
    package func delete(_ queue: QueueAddress, id: SubscriptionID) async throws(StoreError) { preconditionFailure() }
}

package struct DeliveryStore: Sendable {
    package let shards: Int
    package func take(_ shard: Int, events: Int = 16, capacity: Int, page: Int = 200, lease: Duration, confirmedOnly: Bool) async throws(StoreError) -> Taken { preconditionFailure() }
    package func lease(_ shard: Int, capacity: Int, lease: Duration, projects: Int = 16, subscriptionsPerProject: Int = 16) async throws(StoreError) -> [Lease] { preconditionFailure() }
    /// true: written down; false: the lease was no longer ours, nothing changed.
    package func settle(_ shard: Int, _ settlements: [Settlement]) async throws(StoreError) -> [Bool] { preconditionFailure() }
    /// The token that holds from now on; nil: the lease is lost.
    package func renew(_ shard: Int, _ tokens: [LeaseToken], lease: Duration) async throws(StoreError) -> [LeaseToken?] { preconditionFailure() }
    package func reap(_ shard: Int, limit: Int = 100) async throws(StoreError) -> Int { preconditionFailure() }
    package func look(at shards: [Int]) async throws(StoreError) -> [ShardLook] { preconditionFailure() }
    package func sweep(_ shard: Int) async throws(StoreError) -> Swept { preconditionFailure() }
    package func deadLetters(of queue: QueueAddress, limit: Int) async throws(StoreError) -> [DeadLetter] { preconditionFailure() }
    package func deliveryID(subscription: SubscriptionID, position: Position) -> DeliveryID { preconditionFailure() }
    // The bell (BZPOPMIN) comes with the Redis room: ring(for: shards) -> RedisCommand, and the shard of its reply.
}
