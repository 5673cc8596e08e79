import Domain
package import HTTPClient
package import Settings
package import Startup
package import Store

/// The settings of a notifier, checked and in the form its parts take them.
package struct NotifierSettings: Sendable {
    package let store: StoreSettings
    package let links: LinkSettings
    package let egress: EgressPolicy
    package private(set) var webhook: HTTPClientLimits
    package private(set) var engine: EngineSettings
    /// How much is kept of deliveries that wait or ended; applied in what this notifier does.
    package let deliveries: DeliveryLimits
    /// How long a stop may take.
    let drain: Duration

    package init(_ reader: SettingReader) throws(SettingError) {
        self.store = try StoreSettings(reader)
        self.links = try LinkSettings(reader, masterKey: self.store.masterKey)
        var opened: [AddressRange] = []
        for text in reader.list(Setting.egressAllow) {
            guard let range = AddressRange(text) else { throw reader.invalid(Setting.egressAllow, value: text) }
            opened.append(range)
        }
        self.egress = EgressPolicy(opened: opened)
        var webhook = HTTPClientLimits()
        webhook.connectTimeout = try reader.seconds(Setting.webhookConnectTimeout)
        webhook.timeout = try reader.seconds(Setting.webhookTimeout)
        webhook.addressAgeMax = try reader.seconds(Setting.webhookConnectionAgeMax)
        webhook.transfersMax = try reader.integer(Setting.notifierConcurrency)
        self.webhook = webhook
        var engine = EngineSettings()
        engine.concurrency = webhook.transfersMax
        engine.hostConcurrency = try reader.integer(Setting.notifierHostConcurrency)
        engine.bytesInFlight = try reader.integer(Setting.notifierBytesInFlight)
        if reader.boolean(Setting.confirmationRequired) == true { engine.confirmedOnly.insert(.webhook) }
        if reader.boolean(Setting.emailConfirmation) == true { engine.confirmedOnly.insert(.email) }
        engine.disableAfter = try reader.seconds(Setting.notifierDisableAfter)
        engine.notBeforeMax = try reader.seconds(Setting.webhookRetryAfterMax)
        engine.lease = try reader.seconds(Setting.notifierLease)
        self.drain = try reader.seconds(Setting.notifierDrain)
        engine.drain = Self.drain(within: self.drain)
        self.engine = engine
        self.deliveries = DeliveryLimits(
            queueLetters: try reader.integer(Setting.limitsDeadLettersQueueCount),
            queueLetterBytes: try reader.integer(Setting.limitsDeadLettersQueueBytes),
            projectLetterBytes: try reader.integer(Setting.limitsDeadLettersProjectBytes),
            subscriptionWaiting: self.store.deliveries.subscriptionWaiting,
            projectWaiting: self.store.deliveries.projectWaiting)
    }

    /// The process cancels what is not done when its drain time is over, the connections to Redis among it: what has to
    /// be handed back is handed back a little before.
    private static func drain(within limit: Duration) -> Duration {
        limit - min(.seconds(1), limit / 4)
    }

    /// The same with as many attempts at once as the system lets us have sockets for.
    func limited(to concurrency: Int) -> NotifierSettings {
        var copy = self
        copy.webhook.transfersMax = min(concurrency, self.webhook.transfersMax)
        copy.engine.concurrency = copy.webhook.transfersMax
        return copy
    }
}
