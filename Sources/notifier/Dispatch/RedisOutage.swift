import Logging
package import Redis
import Runtime
import Store

/// Decides when the leases of others may be taken over, after Redis could not be reached for a while; it performs nothing.
///
/// While Redis is away no notifier can renew its leases, so that afterwards all of them seem to have lapsed. First each
/// notifier renews its own; then it leaves the others time to do the same.
///
/// A process that was stopped for as long finds the same.
package struct ReapRules: Sendable {
    /// Without an answer for this part of a lease, own leases may have lapsed.
    private static let awayParts = 3
    /// What the other notifiers get to renew theirs, in lengths of a lease.
    private static let grace = 0.4

    private let lease: Duration
    private var lastAnswer: ContinuousClock.Instant
    /// Whether all own leases have to be renewed before those of others may be taken over.
    package private(set) var hasToRenew = false
    private var opensAt: ContinuousClock.Instant

    /// - Parameter lease: How long a lease lasts.
    package init(lease: Duration, at now: ContinuousClock.Instant) {
        self.lease = lease
        self.lastAnswer = now
        self.opensAt = now
    }

    /// Redis was asked in vain.
    package mutating func failed() {
        self.hasToRenew = true
    }

    /// Redis answered.
    package mutating func answered(at now: ContinuousClock.Instant) {
        if now - self.lastAnswer > self.lease / Self.awayParts { self.hasToRenew = true }
        self.lastAnswer = now
    }

    /// All own leases were renewed.
    package mutating func renewed(at now: ContinuousClock.Instant) {
        self.hasToRenew = false
        self.lastAnswer = now
        self.opensAt = now + self.lease * Self.grace
    }

    /// Whether leases that have lapsed may be taken over.
    package func mayReap(at now: ContinuousClock.Instant) -> Bool {
        !self.hasToRenew && now >= self.opensAt && now - self.lastAnswer <= self.lease / Self.awayParts
    }
}

extension Backoff {
    /// The pauses between calls of a store that fails; notifiers that lost the same Redis return at different times.
    package static let ofStore = Backoff(from: .milliseconds(20), to: .seconds(1))
}

extension Logger {
    /// Warns of what the store could not do, with its trouble in one word.
    ///
    /// The log of the process limits how often a place in the code says so of one pool and trouble.
    func warn(
        _ what: Logger.Message, _ error: StoreError, shard: Int? = nil, file: String = #fileID,
        function: String = #function, line: UInt = #line
    ) {
        var metadata: Logger.Metadata = [
            LogKey.error: "\(error)", LogKey.storeTrouble: "\(error.trouble.rawValue)",
        ]
        if let shard { metadata[LogKey.shard] = "\(shard)" }
        self.warning(what, metadata: metadata, file: file, function: function, line: line)
    }
}
