import Domain
import Store

/// What has to be known of a lease when its attempt ends.
///
/// Not the lease itself, which would keep the whole reply it came in.
struct InFlightAttempt: Sendable {
    let id: InFlightDeliveries.ID
    let kind: NotificationKind
    let attempt: Int
    let suspicion: Int
    let startedAt: Timestamp
    private let expiresAt: Timestamp
    private let policy: AttemptPolicy

    init(_ startable: ShardSchedule.Startable, _ policy: AttemptPolicy, startedAt: Timestamp) {
        self.id = startable.id
        self.kind = startable.lease.kind
        self.attempt = startable.lease.attempt
        self.suspicion = startable.lease.suspicion
        self.startedAt = startedAt
        self.expiresAt = startable.lease.expiresAt
        self.policy = policy
    }

    /// The outcome as it counts for the subscription.
    func judge(_ outcome: Outcome) -> Outcome { self.policy.judge(outcome) }

    /// - Parameter outcome: As ``judge(_:)`` has it.
    func ending(after outcome: Outcome, at now: Timestamp) -> Settlement.Ending {
        self.policy.ending(after: outcome, attempt: self.attempt, expiresAt: self.expiresAt, now: now)
    }
}
