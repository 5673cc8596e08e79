package import Domain
package import Store

/// The calls of the delivery storage with the values that most tests mean.
extension DeliveryStorage {
    package func take(
        _ shard: Int, events: Int = 16, allowance: LeaseAllowance, page: Int = 200, lease: Duration,
        confirmedOnly: Bool,
        verdicts: [EventVerdicts] = []
    ) async throws(StoreError) -> Taken {
        try await self.take(
            shard, events: events, allowance: allowance, page: page, lease: lease, confirmedOnly: confirmedOnly,
            verdicts: verdicts)
    }

    package func lease(
        _ shard: Int, allowance: LeaseAllowance, lease: Duration, projects: Int = 16, subscriptionsPerProject: Int = 16
    ) async throws(StoreError) -> Leased {
        try await self.lease(
            shard, allowance: allowance, lease: lease, projects: projects,
            subscriptionsPerProject: subscriptionsPerProject)
    }

    package func settle(
        _ shard: Int, _ settlements: [Settlement], disableAfter: Duration = .zero, allowance: LeaseAllowance? = nil,
        lease: Duration = .zero
    ) async throws(StoreError) -> Settled {
        try await self.settle(
            shard, settlements, disableAfter: disableAfter, allowance: allowance, lease: lease)
    }

    package func reap(_ shard: Int, limit: Int = 100) async throws(StoreError) -> Reaped {
        try await self.reap(shard, limit: limit)
    }

    package func sweep(_ shard: Int, limit: Int = 200) async throws(StoreError) -> Swept {
        try await self.sweep(shard, limit: limit)
    }
}

extension DeadLetterStorage {
    package func deadLetters(
        of queue: QueueAddress, _ filter: DeadLetterFilter = DeadLetterFilter(), after: DeadLetterMarker? = nil,
        limit: Int
    ) async throws(StoreError) -> (deadLetters: [DeadLetter], next: DeadLetterMarker?) {
        try await self.deadLetters(of: queue, filter, after: after, limit: limit)
    }

    package func redrive(
        _ deadLetters: [(subscription: SubscriptionID, position: Position)], of queue: QueueAddress,
        confirmedOnly: Set<Destination>, due: Timestamp? = nil, step: Duration = .zero
    ) async throws(StoreError) -> (outcomes: [RedriveOutcome], due: Timestamp) {
        try await self.redrive(deadLetters, of: queue, confirmedOnly: confirmedOnly, due: due, step: step)
    }
}

extension MessageStorage {
    /// Without a key.
    package func post(
        _ messages: [MessageDraft], to queue: QueueAddress, by client: ClientID, requestBytes: Int,
        defaults: PostDefaults, expecting traits: QueueTraits?
    ) async throws -> PostOutcome {
        try await self.post(
            messages, to: queue, by: client, requestBytes: requestBytes, defaults: defaults, key: nil,
            expecting: traits)
    }
}
