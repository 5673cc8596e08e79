package import NIOCore
package import Store

/// What one project has, as this process knows it: what the shards said last, and what it let in since.
///
/// So the sum over all shards, which no script can see, is read once a second, however many requests ask. What other processes let in
/// within that second is not seen: a project may exceed a limit by as much.
package struct UsageTally: Sendable, Equatable {
    /// How long the sum of the shards counts.
    package static let lifetime = TimeAmount.seconds(1)

    private var counted = StoredUsage()
    private var askedAt: NIODeadline?
    /// Let in since the sum was asked for that counts.
    private var since = StoredUsage()
    /// Of these, what was let in before the sum was asked for that is under way, and is in it.
    private var covered = StoredUsage()

    package init() {}

    package var usage: StoredUsage { self.counted + self.since }

    package func isStale(at now: NIODeadline) -> Bool {
        guard let askedAt = self.askedAt else { return true }
        return now >= askedAt + Self.lifetime
    }

    /// The shards are asked.
    package mutating func ask() { self.covered = self.since }

    /// The shards have said what they have.
    ///
    /// - Parameters:
    ///   - isWhole: Otherwise some did not answer, and are taken to have what they had.
    ///   - asked: When they were asked.
    package mutating func read(_ usage: StoredUsage, isWhole: Bool, asked: NIODeadline) {
        self.counted =
            isWhole
            ? usage
            : StoredUsage(
                bytes: max(usage.bytes, self.counted.bytes),
                subscriptions: max(usage.subscriptions, self.counted.subscriptions))
        self.askedAt = asked
        self.since.bytes -= self.covered.bytes
        self.since.subscriptions -= self.covered.subscriptions
        self.covered = StoredUsage()
    }

    /// Something is let in.
    package mutating func add(_ usage: StoredUsage) { self.since = self.since + usage }
}
