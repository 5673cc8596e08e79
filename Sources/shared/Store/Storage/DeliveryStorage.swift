package import Domain

/// The deliveries of one store: events become deliveries, deliveries are leased for attempts, attempts are settled.
///
/// ```
///             take                  lease, settle                    settle
/// event ──────────────► leased   due ─────────────► leased ──────────────────────► delivered, dead letter, dropped
///           └─────────► due       ▲                   │  └► due again, later or at once
///                                 └───────────────────┘ reap: the lease lapsed
/// ```
/// Every step is atomic, so a worker may end between any two of them. Of all leases of a delivery only the newest counts.
package protocol DeliveryStorage: Sendable {
    /// How many shards there are; each is served on its own.
    var shards: Int { get }

    /// Fans out events of a shard, and leases what may be attempted at once: one step, in which projects, and the queues
    /// of a project, have their turn one after the other.
    ///
    /// - Parameters:
    ///   - events: Most events of one call, up to 16.
    ///   - allowance: Most leases wanted. What gets none waits to be leased later.
    ///   - page: About how many deliveries one call makes, 1 through 1000. It bounds how long Redis is held.
    ///   - lease: How long the attempts are ours.
    ///   - confirmedOnly: Leaves out subscriptions that are not confirmed.
    ///   - verdicts: On what the call before asked about, ``Taken/undecided``. An event goes no further than there are some.
    func take(
        _ shard: Int, events: Int, allowance: LeaseAllowance, page: Int, lease: Duration, confirmedOnly: Bool,
        verdicts: [EventVerdicts]
    ) async throws(StoreError) -> Taken

    /// Leases deliveries that waited and are due, the project served longest ago first.
    ///
    /// Projects that may have none are stepped over unchanged; ``Leased/nextDue`` and ``Leased/more`` leave them out, but not those that this call gave all they may have.
    func lease(
        _ shard: Int, allowance: LeaseAllowance, lease: Duration, projects: Int,
        subscriptionsPerProject: Int
    ) async throws(StoreError) -> Leased

    /// Writes down how attempts ended, and leases what may follow them, in one step.
    ///
    /// - Parameters:
    ///   - settlements: At most 500.
    ///   - disableAfter: How long nothing but failures may come of a subscription until nothing is sent to it any more;
    ///     zero: for ever.
    ///   - allowance: Most leases wanted; nil: none.
    ///   - lease: How long those attempts are ours.
    func settle(
        _ shard: Int, _ settlements: [Settlement], disableAfter: Duration,
        allowance: LeaseAllowance?, lease: Duration
    ) async throws(StoreError) -> Settled

    /// Extends leases whose attempts still run.
    ///
    /// - Returns: For each the token that proves it from now on; nil: the lease is lost, another worker may have it.
    func renew(
        _ shard: Int, _ tokens: [LeaseToken], lease: Duration
    ) async throws(StoreError) -> [LeaseToken?]

    /// Marks attempts of suspects as begun, just before they are made.
    ///
    /// Only the lapse of an attempt that had begun raises the level of a suspect; deliveries without suspicion need no mark.
    ///
    /// - Returns: For each whether the attempt may be made; false: the lease is lost.
    func begin(_ shard: Int, _ tokens: [LeaseToken]) async throws(StoreError) -> [Bool]

    /// Has subscriptions leased from again that were parked because their host had no capacity.
    ///
    /// - Returns: How many of them have something that waits.
    @discardableResult
    func wake(_ shard: Int, _ subscriptions: [SubscriptionID]) async throws(StoreError) -> Int

    /// The same of one subscription, by a process that leases nothing: it wakes those that do.
    func wake(_ queue: QueueAddress, subscription: SubscriptionID) async throws(StoreError)

    /// Makes the deliveries of lapsed leases due again, as their next attempt.
    ///
    /// Each is a suspect from then on, because it may be what ended its worker; see `docs/delivery.md`, "Suspects".
    ///
    /// - Parameter limit: Up to 500.
    func reap(_ shard: Int, limit: Int) async throws(StoreError) -> Reaped

    /// The id of a delivery, the same over all its attempts.
    func deliveryID(subscription: SubscriptionID, position: Position) -> DeliveryID

    /// The id of several deliveries that go out together; the same for the same ones alone.
    ///
    /// - Parameter positions: At least one.
    func deliveryID(subscription: SubscriptionID, positions: [Position]) -> DeliveryID

    /// The status of each of the shards: it finds lost wake-up signals, lapsed leases and due retries.
    func status(of shards: [Int]) async throws(StoreError) -> [ShardStatus]

    /// Counts what waits in all shards, and the subscriptions it waits for.
    ///
    /// Events, attempts under way and what is held by a breaker, a pause or for good are exact; the rest is counted at up to 250
    /// subscriptions of each shard, those that may be served now first, and what is beyond is ``Backlog/DeliveryState/other``.
    func backlog() async throws(StoreError) -> Backlog

    /// Removes some of what has expired: messages and claims of queues, deliveries that wait, and ended subscriptions with
    /// their deliveries.
    ///
    /// Carries on what a crash left between a queue and its dead-letter queue.
    func sweep(_ shard: Int, limit: Int) async throws(StoreError) -> Swept

    /// The last attempts made for a subscription, and how many there ever were.
    ///
    /// - Returns: nil when this queue has no living subscription of the id.
    func attempts(
        of queue: QueueAddress, subscription: SubscriptionID
    ) async throws(StoreError) -> AttemptLog?

    /// How a subscription is served.
    ///
    /// - Returns: nil when this queue has no living subscription of the id.
    func health(
        of queue: QueueAddress, subscription: SubscriptionID
    ) async throws(StoreError) -> SubscriptionHealth?

    /// Starts no attempt of a subscription until ``resume(_:subscription:)``; its deliveries wait.
    ///
    /// - Returns: false when this queue has no living subscription of the id.
    func pause(_ queue: QueueAddress, subscription: SubscriptionID) async throws(StoreError) -> Bool

    /// Ends what keeps a subscription from being served: a pause, an open breaker, that it was disabled.
    ///
    /// - Returns: false when this queue has no living subscription of the id.
    func resume(_ queue: QueueAddress, subscription: SubscriptionID) async throws(StoreError) -> Bool

    /// The delivery status of a message for the subscriptions of its queue, in the order of their creation.
    ///
    /// - Parameters:
    ///   - position: The message's; it need not be there any more.
    ///   - after: Those made after this one, which need not be there any more.
    /// - Returns: `limit` of them unless there are no more.
    func statuses(
        of position: Position, in queue: QueueAddress, after: SubscriptionID?, limit: Int
    ) async throws(StoreError) -> [DeliveryStatus]
}

extension DeliveryStorage {
    /// With the usual bounds of one call.
    package func take(
        _ shard: Int, allowance: LeaseAllowance, lease: Duration, confirmedOnly: Bool, verdicts: [EventVerdicts]
    ) async throws(StoreError) -> Taken {
        try await self.take(
            shard, events: StorageLimits.eventsOfCall, allowance: allowance, page: StorageLimits.pageOfCall,
            lease: lease, confirmedOnly: confirmedOnly, verdicts: verdicts)
    }

    /// With the usual bounds of one call.
    package func lease(
        _ shard: Int, allowance: LeaseAllowance, lease: Duration
    ) async throws(StoreError) -> Leased {
        try await self.lease(
            shard, allowance: allowance, lease: lease, projects: StorageLimits.projectsOfCall,
            subscriptionsPerProject: StorageLimits.subscriptionsPerProject)
    }
}
