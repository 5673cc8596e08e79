/// How a subscription is served, at the moment it was asked.
package struct SubscriptionHealth: Sendable, Equatable {
    /// Attempts that failed in a row.
    package struct Failures: Sendable, Equatable {
        package let count: Int
        package let since: Timestamp

        package init(count: Int, since: Timestamp) {
            self.count = count
            self.since = since
        }
    }

    /// Redis' clock when it was asked.
    package let now: Timestamp
    package let isConfirmed: Bool
    /// When it was paused; nil when it is not.
    package let pausedSince: Timestamp?
    /// When it was disabled, after too many failures or because its subscriber answered that it is gone; nil when it is not.
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

    package init(
        now: Timestamp, isConfirmed: Bool, pausedSince: Timestamp?, disabledSince: Timestamp?, probeAt: Timestamp?,
        failures: Failures?, window: Int, inFlight: Int, backlog: Int, oldestDue: Timestamp?, expired: Int,
        log: AttemptLog
    ) {
        self.now = now
        self.isConfirmed = isConfirmed
        self.pausedSince = pausedSince
        self.disabledSince = disabledSince
        self.probeAt = probeAt
        self.failures = failures
        self.window = window
        self.inFlight = inFlight
        self.backlog = backlog
        self.oldestDue = oldestDue
        self.expired = expired
        self.log = log
    }

    /// Whether something other than time keeps it from being served, or only probes it.
    package var isHeld: Bool { self.disabledSince != nil || self.pausedSince != nil || self.probeAt != nil }

    /// What keeps a subscription from being served, the most lasting first.
    package enum State: String, Sendable, CaseIterable {
        case disabled, paused
        /// Its subscriber has to confirm.
        case unconfirmed
        /// Its breaker is open, or it is probed.
        case open
        case active
    }

    /// Its state, and since when it has it, where that is known.
    ///
    /// - Parameter mustConfirm: Whether its subscriber is notified only once it has confirmed.
    package func state(mustConfirm: Bool) -> (state: State, since: Timestamp?) {
        if let since = self.disabledSince { return (.disabled, since) }
        if let since = self.pausedSince { return (.paused, since) }
        if mustConfirm, !self.isConfirmed { return (.unconfirmed, nil) }
        return self.probeAt == nil ? (.active, nil) : (.open, self.failures?.since)
    }
}
