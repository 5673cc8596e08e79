package import Domain

/// A look at the subscriptions and queues of one store, whatever their projects, for administrators.
///
/// Each call is bounded, and none searches the keys of the store: a collection of a shard is read batch by batch, and what is
/// known of its members in a second call.
package protocol SurveyStorage: Sendable {
    /// How many members a collection has in each shard, about; zero only where it has none.
    func counts(of collection: SurveyedCollection) async throws(StoreError) -> [Int]

    /// A batch of a collection: some hundred members, or all of a small one.
    ///
    /// Who begins at 0 and goes on at ``ScanBatch/next`` until that is 0 has seen each member that was there all the time.
    func batch(
        of collection: SurveyedCollection, in shard: Int, at cursor: UInt64
    ) async throws(StoreError) -> ScanBatch

    /// The subscriptions of a queue in the order of their creation; some of them may have ended.
    ///
    /// - Returns: Their shard, and `limit` of them unless there are no more.
    func subscriptions(
        of queue: QueueAddress, after: SubscriptionID?, limit: Int
    ) async throws(StoreError) -> (shard: Int, ids: [SubscriptionID])

    /// How subscriptions of a shard are served; those that have ended, or cannot be read, are left out.
    ///
    /// - Parameter ids: At most ``StorageLimits/surveyedMax``.
    func subscriptions(
        _ ids: [SubscriptionID], in shard: Int
    ) async throws(StoreError) -> [SurveyedSubscription]

    /// What queues hold, in their order; nil for one that is not there.
    func queues(_ queues: [QueueAddress]) async throws(StoreError) -> [SurveyedQueue?]
}

/// What a shard has together, so that it is found without a look at everything.
package enum SurveyedCollection: String, Sendable, CaseIterable {
    /// Subscriptions whose breaker is open, or that are probed, unless they are one of the next two.
    case open
    /// Subscriptions that are disabled.
    case disabled
    /// Subscriptions that are paused and not disabled.
    case paused
    /// Subscriptions for which deliveries wait.
    case waiting
    /// All subscriptions.
    case subscriptions
    /// Queues that hold something.
    case holding
}
