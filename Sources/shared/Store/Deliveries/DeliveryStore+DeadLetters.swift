import Domain
import Redis

/// Deliveries that ended without success: listed, read, discarded, sent again.
extension DeliveryStore {
    func deadLetters(
        of queue: QueueAddress, _ filter: DeadLetterFilter = DeadLetterFilter(), after: DeadLetterMarker? = nil,
        limit: Int
    ) async throws(StoreError) -> (deadLetters: [DeadLetter], next: DeadLetterMarker?) {
        let keys = self.keySpace.shard(of: queue)
        var deadLetters: [DeadLetter] = []
        var next = after
        for _ in 0..<ScriptRunner.roundsMax {
            var call = self.runner.call(
                Scripts.deadLetterList, keys: [keys.deadLetters(of: queue), keys.deadLetterEntries(of: queue)])
            call.append(keys.prefix)
            call.append(filter.since?.milliseconds ?? 0)
            call.append(filter.until.map { String($0.milliseconds) } ?? "")
            call.append(filter.subscription?.text ?? "")
            call.append(filter.reason?.rawValue ?? "")
            call.append(next?.member ?? "")
            call.append(next?.endedAt.milliseconds ?? 0)
            call.append(limit - deadLetters.count)
            var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.deadLetterList)
            let hasMore = try reply.int() == 1
            let (last, ended) = (try reply.text(), try reply.timestamp())
            while !reply.isAtEnd {
                let member = try reply.text()
                let marker = try DeadLetterMarker(member: member, endedAt: try reply.timestamp())
                deadLetters.append(
                    try DeadLetter(
                        subscription: marker.subscription, position: marker.position, endedAt: marker.endedAt,
                        try reply.text()))
            }
            guard hasMore else { return (deadLetters, nil) }
            next = try DeadLetterMarker(member: last, endedAt: ended)
            if deadLetters.count >= limit { return (deadLetters, next) }
        }
        return (deadLetters, next)
    }

    func deadLetter(
        of queue: QueueAddress, subscription: SubscriptionID, position: Position
    ) async throws(StoreError) -> (deadLetter: DeadLetter, content: DeadLetterContent)? {
        let keys = self.keySpace.shard(of: queue)
        let member = Self.member(subscription, position)
        var call = self.runner.call(
            Scripts.deadLetterGet,
            keys: [keys.deadLetters(of: queue), keys.deadLetterEntries(of: queue), keys.deadLetterRecords(of: queue)])
        call.append(member)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.deadLetterGet)
        guard !reply.isAtEnd else { return nil }
        let deadLetter = try DeadLetter(
            subscription: subscription, position: position, endedAt: try reply.timestamp(), try reply.text())
        let record = try reply.bytes()
        guard deadLetter.hasBody, !record.isEmpty else { return (deadLetter, .none) }
        return (deadLetter, DeadLetterContent(try MessageRecord(record)))
    }

    func discardDeadLetter(
        of queue: QueueAddress, subscription: SubscriptionID, position: Position
    ) async throws(StoreError) {
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.deadLetterDiscard,
            keys: [keys.deadLetters(of: queue), keys.deadLetterEntries(of: queue), keys.deadLetterRecords(of: queue)])
        call.append(keys.prefix)
        call.append(queue.key)
        call.append(Self.member(subscription, position))
        _ = try await self.runner.run(call)
    }

    func redrive(
        _ deadLetters: [(subscription: SubscriptionID, position: Position)], of queue: QueueAddress,
        confirmedOnly: Set<Destination>, due: Timestamp? = nil, step: Duration = .zero
    ) async throws(StoreError) -> (outcomes: [RedriveOutcome], due: Timestamp) {
        precondition(
            deadLetters.count <= StorageLimits.redrivesMax, "a redrive takes \(StorageLimits.redrivesMax) dead letters")
        let keys = self.keySpace.shard(of: queue)
        var call = self.runner.call(
            Scripts.deadLetterRedrive,
            keys: [
                keys.deadLetterEntries(of: queue), keys.deadLetterRecords(of: queue), keys.payloads,
                keys.payloadReferences, keys.subscriptionHeaders,
                keys.readyProjects, keys.wakeup, keys.waitingCounts, keys.deliverySweeps, keys.payloadExpiries,
                keys.turns, keys.subscriptions,
            ])
        call.append(keys.prefix)
        call.append(queue.key)
        call.append(self.keySpace.number(of: queue))
        call.append(Self.words(for: confirmedOnly))
        call.append(due?.milliseconds ?? 0)
        call.append(String(step / .milliseconds(1)))
        for deadLetter in deadLetters { call.append(Self.member(deadLetter.subscription, deadLetter.position)) }
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.deadLetterRedrive)
        let next = try reply.timestamp()
        var outcomes: [RedriveOutcome] = []
        for _ in deadLetters {
            guard let outcome = RedriveOutcome(rawValue: try reply.text()) else { throw reply.unexpected("outcome") }
            outcomes.append(outcome)
        }
        return (outcomes, next)
    }

    /// Destinations as the script knows them.
    private static func words(for confirmedOnly: Set<Destination>) -> String {
        switch (confirmedOnly.contains(.email), confirmedOnly.contains(.webhook)) {
        case (false, false): "none"
        case (true, false): "mail"
        case (false, true): "other"
        case (true, true): "all"
        }
    }

    fileprivate static func member(_ subscription: SubscriptionID, _ position: Position) -> String {
        "\(subscription.text)|\(position.value)"
    }
}

extension DeadLetterMarker {
    fileprivate var member: String { DeliveryStore.member(self.subscription, self.position) }

    fileprivate init(member: String, endedAt: Timestamp) throws(StoreError) {
        let parts = member.split(separator: "|")
        guard parts.count == 2, let subscription = SubscriptionID(String(parts[0])), let position = Int64(parts[1])
        else { throw .corrupt("a dead letter") }
        self.init(endedAt: endedAt, subscription: subscription, position: Position(position))
    }
}

extension DeadLetter {
    /// As `keep_dead_letter` of `lib_delivery.lua` writes it: `<number of the last turn> <kind, as in the flags of a record, and 128 without
    /// a body> <reason> <summary>`.
    init(
        subscription: SubscriptionID, position: Position, endedAt: Timestamp, _ text: String
    ) throws(StoreError) {
        let parts = text.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, let turn = Int(parts[0]), turn >= 0, let flags = Int64(parts[1]),
            flags & ~(MessageRecord.Flag.ofNoMessage | Self.withoutBody) == 0,
            let kind = MessageRecord.Flag.kind(flags),
            let reason = DeliveryDecision.Reason(rawValue: String(parts[2]))
        else { throw .corrupt("a dead letter") }
        self.init(
            subscription: subscription, position: position, attempts: turn % LeaseToken.fence, reason: reason,
            summary: String(parts[3]), endedAt: endedAt, kind: kind,
            hasBody: flags & Self.withoutBody == 0)
    }

    /// As `NO_BODY` of `lib_delivery.lua`.
    private static let withoutBody: Int64 = 128
}

extension DeadLetterContent {
    /// Of a dead letter without a body.
    fileprivate static let none = DeadLetterContent(ttl: 0, delay: nil, checksum: nil, isSealed: false, body: [])

    fileprivate init(_ record: MessageRecord) {
        self.init(
            ttl: record.ttl, delay: record.delay, checksum: record.checksum, isSealed: record.isSealed,
            body: record.body)
    }
}
