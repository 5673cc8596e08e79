/// How much of deliveries a shard keeps, so that no subscription, queue or project fills Redis.
///
/// The scripts that fan out, settle, reap and sweep apply those of their caller; nothing of it is kept in Redis.
package struct DeliveryLimits: Sendable, Equatable {
    /// Dead letters of a queue; beyond it the oldest go first.
    package var queueDeadLetters: Int
    /// Bytes of the dead letters of a queue, their bodies counted once per message.
    package var queueDeadLetterBytes: Int
    /// Bytes of the dead letters of a project, over its queues in a shard.
    package var projectDeadLetterBytes: Int
    /// Deliveries of a subscription that wait; beyond it a new one ends at once, as `overflow`.
    package var subscriptionWaiting: Int
    /// Deliveries of a project that wait in a shard; likewise.
    package var projectWaiting: Int
    /// Whether the deliveries of a subscription whose time is over are kept as dead letters: the format of the store says.
    var keepsEnded = true

    package init(
        queueDeadLetters: Int = 10_000, queueDeadLetterBytes: Int = 64 << 20, projectDeadLetterBytes: Int = 256 << 20,
        subscriptionWaiting: Int = 100_000, projectWaiting: Int = 1_000_000
    ) {
        self.queueDeadLetters = queueDeadLetters
        self.queueDeadLetterBytes = queueDeadLetterBytes
        self.projectDeadLetterBytes = projectDeadLetterBytes
        self.subscriptionWaiting = subscriptionWaiting
        self.projectWaiting = projectWaiting
    }

    /// As scripts take it.
    var text: String {
        "\(self.queueDeadLetters) \(self.queueDeadLetterBytes) \(self.projectDeadLetterBytes) \(self.subscriptionWaiting) "
            + "\(self.projectWaiting) \(self.keepsEnded ? 1 : 0)"
    }
}
