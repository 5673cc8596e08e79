package import Documents
package import Domain
import Signing
import Store

/// Deliveries that ended without success: listed, sent again, deleted.
extension Operations {
    /// Dead letters that one request sends again, at most.
    private static let redrivesMax = 1000

    /// A page of dead letters, in the order in which they ended.
    ///
    /// A marker that is none lists nothing.
    ///
    /// - Returns: The page, and the marker of the next; nil when there is no more.
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    package func listDeadLetters(
        of queue: QueueAddress, _ query: DeadLetterQuery, _ page: PageRequest
    ) async throws -> (page: [DeadLetterView], next: String?) {
        let limit = try Self.pageSize(page.limit, max: self.limits.messagePageMax)
        let store = try await self.store(of: queue)
        let filter = try DeadLetterFilter(query)
        let after = page.marker.map { DeadLetterMarker($0, of: queue, in: store) }
        if case .some(nil) = after {
            try await store.ping()
            return ([], nil)
        }
        let (deadLetters, next) = try await store.deliveries.deadLetters(
            of: queue, filter, after: after ?? nil, limit: limit)
        return (deadLetters.map { Self.view(of: $0, of: queue, in: store) }, next?.text(of: queue, in: store))
    }

    /// A dead letter and the body it could not deliver; nil of one that was no message.
    ///
    /// - Throws: `Refusal.deadLetterNotFound` or ``BodyUnreadable``.
    package func getDeadLetter(
        _ text: String, of queue: QueueAddress
    ) async throws -> (deadLetter: DeadLetterView, content: DeadLetterContent, body: ArraySlice<UInt8>?) {
        let store = try await self.store(of: queue)
        guard let id = Self.deadLetterID(text, of: queue, in: store),
            let (deadLetter, content) = try await store.deliveries.deadLetter(
                of: queue, subscription: id.subscription, position: id.message.position)
        else {
            try await store.ping()
            throw Refusal.deadLetterNotFound
        }
        let view = Self.view(of: deadLetter, of: queue, in: store)
        guard deadLetter.hasBody, !deadLetter.kind.isConfirmation else { return (view, content, nil) }
        guard content.isSealed else { return (view, content, content.body) }
        return (view, content, try self.body(content.body, of: id.message, in: queue, by: store))
    }

    /// Deletes a dead letter.
    ///
    /// One that is not there is no error.
    package func deleteDeadLetter(_ text: String, of queue: QueueAddress) async throws {
        let store = try await self.store(of: queue)
        guard let id = Self.deadLetterID(text, of: queue, in: store) else { return try await store.ping() }
        try await store.deliveries.discardDeadLetter(
            of: queue, subscription: id.subscription, position: id.message.position)
    }

    /// Makes dead letters deliveries again.
    ///
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    package func redriveDeadLetters(of queue: QueueAddress, _ body: RedriveBody) async throws -> RedriveResult {
        let store = try await self.store(of: queue)
        switch body.selection {
        case .named(let texts):
            var (redriven, keys) = (RedriveResult(), [Key]())
            for text in texts {
                guard let id = Self.deadLetterID(text, of: queue, in: store) else {
                    redriven.count(.unknown)
                    continue
                }
                keys.append((id.subscription, id.message.position))
            }
            var due: Timestamp?
            try await self.redrive(keys, of: queue, in: store, body.maxPerSecond, &due, &redriven)
            return redriven
        case .filtered(let query, let marker):
            return try await self.redrive(
                DeadLetterFilter(query), of: queue, in: store, maxPerSecond: body.maxPerSecond, marker: marker)
        }
    }

    /// Has what failed of a subscription since then sent again.
    ///
    /// - Throws: ``Refusal/subscriptionNotFound`` or ``Refusal/requestInvalid(_:)``.
    package func recover(
        _ text: String, of queue: QueueAddress, since: String?, maxPerSecond: Int?, marker: String?
    ) async throws -> RedriveResult {
        guard let since else { throw Refusal.requestInvalid("since has to be given.") }
        let query = DeadLetterQuery(subscription: nil, reason: nil, since: since, until: nil)
        var filter = try DeadLetterFilter(query)
        let pace = try maxPerSecond.map { number throws(Refusal) in try RedriveBody.pace(number) }
        filter.subscription = try await self.getSubscription(text, of: queue).id
        return try await self.redrive(
            filter, of: queue, in: self.store(of: queue), maxPerSecond: pace, marker: marker)
    }

    /// What the store knows a dead letter by.
    private typealias Key = (subscription: SubscriptionID, position: Position)

    private func redrive(
        _ filter: DeadLetterFilter, of queue: QueueAddress, in store: Store, maxPerSecond: Int?, marker: String?
    ) async throws -> RedriveResult {
        var redriven = RedriveResult()
        var (after, left) = (DeadLetterMarker?.none, Self.redrivesMax)
        if let marker {
            guard let known = DeadLetterMarker(marker, of: queue, in: store) else {
                throw Refusal.requestInvalid("The marker is none of this queue's dead letters.")
            }
            after = known
        }
        var due: Timestamp?
        while left > 0 {
            let (deadLetters, next) = try await store.deliveries.deadLetters(
                of: queue, filter, after: after, limit: min(left, StorageLimits.redrivesMax))
            let keys = deadLetters.map { Key($0.subscription, $0.position) }
            try await self.redrive(keys, of: queue, in: store, maxPerSecond, &due, &redriven)
            guard let next else { return redriven }
            (after, left) = (next, left - deadLetters.count)
        }
        redriven.next = after?.text(of: queue, in: store)
        return redriven
    }

    /// - Parameter due: When the next may be due; nil before the first.
    private func redrive(
        _ keys: [Key], of queue: QueueAddress, in store: Store, _ maxPerSecond: Int?, _ due: inout Timestamp?,
        _ redriven: inout RedriveResult
    ) async throws {
        let step = maxPerSecond.map { Duration.seconds(1) / $0 } ?? .zero
        for start in stride(from: 0, to: keys.count, by: StorageLimits.redrivesMax) {
            let chunk = keys[start..<min(start + StorageLimits.redrivesMax, keys.count)]
            let (outcomes, next) = try await store.deliveries.redrive(
                Array(chunk), of: queue, confirmedOnly: self.confirmedOnly, due: due, step: step)
            due = next
            for outcome in outcomes { redriven.count(outcome) }
        }
    }

    private static func view(of deadLetter: DeadLetter, of queue: QueueAddress, in store: Store) -> DeadLetterView {
        DeadLetterView(
            deadLetter,
            id: DeadLetterID(
                subscription: deadLetter.subscription, message: store.messages.id(at: deadLetter.position, in: queue)),
            delivery: store.deliveries.deliveryID(subscription: deadLetter.subscription, position: deadLetter.position))
    }

    /// nil for a text that is no id, or was issued for another queue.
    private static func deadLetterID(_ text: String, of queue: QueueAddress, in store: Store) -> DeadLetterID? {
        DeadLetterID(text).flatMap { store.messages.isIssued($0.message, in: queue) ? $0 : nil }
    }
}

extension DeadLetterMarker {
    /// When it ended, ms, a full stop, and the id of the dead letter.
    fileprivate init?(_ text: String, of queue: QueueAddress, in store: Store) {
        let parts = text.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let milliseconds = Int64(parts[0]), milliseconds >= 0,
            let id = DeadLetterID(String(parts[1])), store.messages.isIssued(id.message, in: queue)
        else { return nil }
        self.init(
            endedAt: Timestamp(milliseconds: milliseconds), subscription: id.subscription,
            position: id.message.position)
    }

    fileprivate func text(of queue: QueueAddress, in store: Store) -> String {
        let id = DeadLetterID(
            subscription: self.subscription, message: store.messages.id(at: self.position, in: queue))
        return "\(self.endedAt.milliseconds).\(id.text)"
    }
}

extension DeadLetterFilter {
    /// - Throws: ``Refusal/requestInvalid(_:)``.
    init(_ query: DeadLetterQuery) throws(Refusal) {
        self.init()
        self.subscription = try query.subscription.map { text throws(Refusal) in
            guard let id = SubscriptionID(text) else {
                throw .requestInvalid("subscription has to be the id of a subscription.")
            }
            return id
        }
        self.reason = try query.reason.map { text throws(Refusal) in
            guard let reason = DeliveryDecision.Reason(rawValue: text) else {
                let known = DeliveryDecision.Reason.allCases.map(\.rawValue).joined(separator: ", ")
                throw .requestInvalid("reason has to be one of \(known).")
            }
            return reason
        }
        self.since = try query.since.map { text throws(Refusal) in try Self.time(text, "since") }
        self.until = try query.until.map { text throws(Refusal) in try Self.time(text, "until") }
    }

    /// The whole second of an ISO 8601 time, read as those of pre-signed URLs are.
    private static func time(_ text: String, _ name: String) throws(Refusal) -> Timestamp {
        guard let moment = SignedURLExpiry(text) else {
            throw .requestInvalid("\(name) has to be a time like 2026-11-21T04:14:30Z.")
        }
        return Timestamp(milliseconds: moment.seconds * 1000)
    }
}
