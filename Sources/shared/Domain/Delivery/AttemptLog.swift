/// One attempt of a subscription's log.
package struct LoggedAttempt: Sendable, Equatable {
    /// Counts the attempts of the subscription, from 1; a marker of the log's pages.
    package let number: Int
    package let position: Position
    /// The number of the attempt within its delivery, from 1.
    package let attempt: Int
    package let report: AttemptReport

    package init(number: Int, position: Position, attempt: Int, report: AttemptReport) {
        self.number = number
        self.position = position
        self.attempt = attempt
        self.report = report
    }
}

/// The log of a subscription's attempts: two counts, and the last of the attempts.
package struct AttemptLog: Sendable, Equatable {
    /// Attempts ever made that ended well, and the others.
    package let succeeded: Int
    package let failed: Int
    /// Newest first.
    package let attempts: [LoggedAttempt]

    package init(succeeded: Int, failed: Int, attempts: [LoggedAttempt]) {
        self.succeeded = succeeded
        self.failed = failed
        self.attempts = attempts
    }

    /// The share of the attempts in the log that succeeded, 0 to 1; nil when the log is empty.
    package var successShare: Double? {
        guard !self.attempts.isEmpty else { return nil }
        return Double(self.attempts.count { $0.report.isSuccess }) / Double(self.attempts.count)
    }

    /// The share of them that failed.
    package var failureShare: Double? {
        guard !self.attempts.isEmpty else { return nil }
        return Double(self.attempts.count { !$0.report.isSuccess }) / Double(self.attempts.count)
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

/// An attempt with the ids its receiver saw.
package struct AttemptView: Sendable {
    package let logged: LoggedAttempt
    package let delivery: DeliveryID
    /// nil for a confirmation or a test, which is no message.
    package let message: MessageID?

    package init(_ logged: LoggedAttempt, delivery: DeliveryID, message: MessageID?) {
        self.logged = logged
        self.delivery = delivery
        self.message = message
    }
}
