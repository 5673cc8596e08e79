package import Domain

/// How an engine works; ``NotifierSettings`` makes one of the settings.
package struct EngineSettings: Sendable {
    /// Attempts in flight at once.
    package var concurrency = 8192
    /// Attempts in flight at once to one host.
    package var hostConcurrency = 1024
    /// Bytes of bodies in flight at once; a body that several attempts share counts once.
    package var bytesInFlight = FairShares.bytesMax
    /// How long a delivery belongs to this notifier without a sign of life.
    package var lease = Duration.seconds(15)
    /// How long attempts in flight may take to finish once a stop is asked for; then they are ended and handed back.
    package var drain = Duration.seconds(20)
    /// The destinations whose subscribers are notified only once they have confirmed.
    package var confirmedOnly: Set<Destination> = []
    /// Whether the fan-out can leave out every subscription that is not confirmed; else those that must be are left out when
    /// an attempt is planned.
    var leavesUnconfirmedOut: Bool { self.confirmedOnly.isSuperset(of: [.webhook, .email]) }
    /// Most notifications of a project to an address that it may suppress, in any hour; nil: no limit.
    package var addressHourlyMax: Int?
    /// Whether what is above that goes out in one when the address may be sent to again, instead of one after the other.
    package var collectsExcess = false
    /// How long nothing but failures may come of a subscription until nothing is sent to it any more; zero: for ever.
    package var disableAfter = Duration.zero
    /// How far a subscriber's request to wait is obeyed, whatever the waits of the policy.
    package var notBeforeMax = Duration.seconds(3600)
    /// The retries of webhooks where neither a subscription nor its queue has a policy.
    package var retryPolicyDefault = RetryPolicy()

    package init() {}
}
