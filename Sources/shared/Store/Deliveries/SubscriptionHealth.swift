package import Domain

/// How a subscription is served, at the moment it was asked.
package struct SubscriptionHealth: Sendable, Equatable {
    /// Attempts that failed in a row.
    package struct Failures: Sendable, Equatable {
        package let count: Int
        package let since: Timestamp
    }

    /// Redis' clock when it was asked.
    package let now: Timestamp
    package let isConfirmed: Bool
    /// When it was paused; nil when it is not.
    package let pausedSince: Timestamp?
    /// When it was disabled, for nothing but failures or because it said that it is gone; nil when it is not.
    package let disabledSince: Timestamp?
    /// When the breaker lets the next probe through, which may be past; nil when it is closed.
    package let probeAt: Timestamp?
    /// nil after a success, and before anything was attempted.
    package let failures: Failures?
    /// Attempts that may be out at once.
    package let window: Int
    package let inFlight: Int
    /// Deliveries that wait.
    package let backlog: Int
    /// Since when the one that waits longest is due, or when it will be; nil when none waits.
    package let oldestDue: Timestamp?
    /// Deliveries that ended with their messages while they waited.
    package let expired: Int
    package let log: AttemptLog

    init(_ reply: consuming ReplyReader) throws(StoreError) {
        var reply = reply
        self.now = try reply.timestamp()
        self.isConfirmed = try SubscriptionHeader(try reply.bytes()).confirmed
        self.log = try AttemptLog(counts: try reply.bytes(), ring: try reply.bytes())
        self.backlog = try reply.int()
        self.inFlight = try reply.int()
        self.window = try reply.int()
        let member = try reply.text()
        let score = try reply.timestampIfAny()
        self.pausedSince = try reply.timestampIfAny()
        self.disabledSince = try reply.timestampIfAny()
        let waitsUntil = try reply.timestampIfAny()
        let count = try reply.int()
        let since = try reply.timestampIfAny()
        self.failures = since.map { Failures(count: count, since: $0) }
        self.probeAt = try reply.timestampIfAny()
        self.expired = try reply.int()
        if let score, let position = Int64(member.prefix { $0 != ":" }) {
            // Where the position alone counts there is no time, but for the wait of the whole subscription.
            let due = score.milliseconds > 0 ? score : Position(position).createdAt
            self.oldestDue = waitsUntil.map { max($0, due) } ?? due
        } else {
            self.oldestDue = nil
        }
    }
}

extension AttemptLog {
    /// Of the attempts in the log, how many of a hundred percent succeeded, from 0 to 1; nil when there are none.
    package var successShare: Double? {
        guard !self.attempts.isEmpty else { return nil }
        return Double(self.attempts.count { $0.report.isSuccess }) / Double(self.attempts.count)
    }

    /// Milliseconds within which a share of the answered attempts in the log were answered; nil when none was.
    ///
    /// - Parameter share: Above 0, up to 1.
    package func latency(ofShare share: Double) -> Int? {
        var totals: [Int] = []
        for attempt in self.attempts {
            guard case .answered = attempt.report.end else { continue }
            totals.append(attempt.report.exchange.total)
        }
        guard !totals.isEmpty else { return nil }
        totals.sort()
        return totals[min(totals.count, Int((Double(totals.count) * share).rounded(.up))) - 1]
    }
}
