import Domain
package import Store

/// What follows an attempt, settled when it begins: by the subscription and its queue as they are then.
struct AttemptPolicy: Sendable {
    /// nil: there is one attempt and no dead letter, for a test is judged by its outcome.
    private let policy: RetryPolicy?
    private let disablesOnGone: Bool
    /// Whether a delivery whose subscriber is gone becomes a dead letter.
    private let keepsUndelivered: Bool
    private let notBeforeMax: Duration

    /// - Parameters:
    ///   - notBeforeMax: How far a subscriber's request to wait is obeyed.
    ///   - policy: Counts where neither the subscription nor its queue has one.
    init(_ lease: Lease, to recipient: Recipient, notBeforeMax: Duration, default policy: RetryPolicy) {
        self.policy =
            lease.kind == .test
            ? nil
            : RetryPolicy.effective(
                queue: lease.queuePolicy, subscription: recipient.retryPolicy,
                builtIn: recipient.destination.retryPolicy(default: policy)
            ).policy
        self.disablesOnGone = recipient.disablesOnGone
        self.keepsUndelivered = recipient.destination.keepsUndelivered
        self.notBeforeMax = notBeforeMax
    }

    /// - Parameters:
    ///   - attempt: From 1.
    ///   - expiresAt: When the message's life ends.
    ///   - chance: From 0 to 1, exclusive: how much of the jitter a retry gets.
    func ending(
        after outcome: Outcome, attempt: Int, expiresAt: Timestamp, now: Timestamp,
        chance: Double = .random(in: 0..<1)
    ) -> Settlement.Ending {
        guard let policy = self.policy else {
            if case .accepted = outcome { return .delivered }
            return .dropped
        }
        let decision = DeliveryDecision(
            after: outcome, attempt: attempt, policy: policy, expiresAt: expiresAt, now: now,
            notBeforeMax: self.notBeforeMax, chance: chance)
        switch decision {
        case .delivered: return .delivered
        case .retry(let wait): return .retry(after: wait)
        case .deadLetter(let reason):
            var isGone = false
            if case .gone = outcome { isGone = true }
            guard !isGone || self.keepsUndelivered else { return .dropped }
            return .deadLetter(reason, summary: outcome.summary, disabling: isGone && self.disablesOnGone)
        }
    }
}

/// What has to be known of a lease when its attempt ends.
///
/// Not the lease itself, which would keep the whole reply it came in.
struct InFlightAttempt: Sendable {
    /// One of the deliveries that go out in it.
    private struct Member {
        let id: LeasedDelivery.ID
        let expiresAt: Timestamp
    }

    let id: LeasedDelivery.ID
    /// Beside that one; mostly none.
    private let collected: [Member]
    let destination: Destination
    let kind: NotificationKind
    let attempt: Int
    let suspicion: Int
    let startedAt: Timestamp
    /// Where messages were posted that are delivered for the first time.
    let posted: [Position]
    private let expiresAt: Timestamp
    private let policy: AttemptPolicy

    init(_ delivery: LeasedDelivery, to destination: Destination, _ policy: AttemptPolicy, startedAt: Timestamp) {
        self.id = delivery.id
        self.collected = delivery.collected.map { Member(id: $0.id, expiresAt: $0.lease.expiresAt) }
        self.destination = destination
        self.kind = delivery.lease.kind
        self.attempt = delivery.lease.attempt
        self.suspicion = delivery.lease.suspicion
        self.startedAt = startedAt
        self.posted = delivery.all.compactMap { leased in
            leased.lease.kind == .notification && !leased.lease.token.isFenced ? leased.lease.position : nil
        }
        self.expiresAt = delivery.lease.expiresAt
        self.policy = policy
    }

    /// What becomes of each delivery of the attempt: what is repeated is at the same time.
    func endings(after outcome: Outcome, at now: Timestamp) -> [(id: LeasedDelivery.ID, ending: Settlement.Ending)] {
        let chance = Double.random(in: 0..<1)
        let all = [Member(id: self.id, expiresAt: self.expiresAt)] + self.collected
        return all.map { member in
            let ending = self.policy.ending(
                after: outcome, attempt: self.attempt, expiresAt: member.expiresAt, now: now, chance: chance)
            return (member.id, ending)
        }
    }

    /// Each delivery of the attempt with the same ending.
    func all(_ ending: Settlement.Ending) -> [(id: LeasedDelivery.ID, ending: Settlement.Ending)] {
        [(self.id, ending)] + self.collected.map { ($0.id, ending) }
    }
}

/// A delivery that this notifier has a lease of, with those that go out in the same attempt.
package struct LeasedDelivery: Sendable {
    /// Names a lease among all that the process ever got for the shard.
    package struct ID: Hashable, Sendable {
        private let number: UInt64

        package init(_ number: UInt64) {
            self.number = number
        }
    }

    package let id: ID
    package let lease: Lease
    /// In their order; mostly none.
    package var collected: [LeasedDelivery] = []

    package init(id: ID, lease: Lease) {
        self.id = id
        self.lease = lease
    }

    /// All of the attempt, each by itself.
    package var all: [LeasedDelivery] { [LeasedDelivery(id: self.id, lease: self.lease)] + self.collected }

    /// The same that go out in one attempt; nil without any.
    package init?(all: [LeasedDelivery]) {
        guard let first = all.first else { return nil }
        self.init(id: first.id, lease: first.lease)
        self.collected = Array(all.dropFirst())
    }

    /// Bytes of the messages of the attempt.
    package var byteCount: Int { self.collected.reduce(self.lease.body.count) { $0 + $1.lease.body.count } }
}
