package import Domain
package import HTTPClient
import Mail
package import Runtime
package import Settings
package import Startup
package import Store

/// The settings of a notifier, checked and in the form its parts take them.
package struct NotifierSettings: Sendable {
    package let store: StoreSettings
    /// Whose messages are counted in metrics.
    package let measuredQueues: [ChosenQueues]
    package let links: LinkSettings
    package let egress: EgressPolicy
    package private(set) var webhook: HTTPClientLimits
    /// Which authorities webhooks believe, and the certificate for endpoints that ask for one.
    package let webhookTLS: TLSSettings
    package let email: EmailSettings
    /// nil: no endpoint is called with a token.
    package let trustee: TrusteeSettings?
    package private(set) var engine: EngineSettings
    /// How much is kept of deliveries that wait or ended; applied in what this notifier does.
    package let deliveries: DeliveryLimits
    /// How long a stop may take.
    let drain: Duration

    package init(_ reader: SettingReader) throws(SettingError) {
        self.store = try StoreSettings(reader)
        self.measuredQueues = try reader.measuredQueues()
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
        self.webhookTLS = try TLSSettings.client(.webhook, reader)
        self.email = try EmailSettings(reader)
        self.trustee = try TrusteeSettings(reader)
        var engine = EngineSettings()
        engine.concurrency = webhook.transfersMax
        engine.hostConcurrency = try reader.integer(Setting.notifierHostConcurrency)
        engine.bytesInFlight = try reader.integer(Setting.notifierBytesInFlight)
        if reader.boolean(Setting.confirmationRequired) == true { engine.confirmedOnly.insert(.webhook) }
        if reader.boolean(Setting.emailConfirmation) == true { engine.confirmedOnly.insert(.email) }
        engine.collectsExcess = reader.text(Setting.emailRateExcess) == "digest"
        if reader.isGiven(Setting.emailRate) { engine.addressHourlyMax = try reader.integer(Setting.emailRate) }
        engine.disableAfter = try reader.seconds(Setting.notifierDisableAfter)
        engine.notBeforeMax = try reader.seconds(Setting.webhookRetryAfterMax)
        engine.retryPolicyDefault = try reader.retryPolicyDefault()
        engine.lease = try reader.seconds(Setting.notifierLease)
        self.drain = try reader.seconds(Setting.notifierDrain)
        engine.drain = Self.drain(within: self.drain)
        self.engine = engine
        self.deliveries = DeliveryLimits(
            queueDeadLetters: try reader.integer(Setting.limitsDeadLettersQueueCount),
            queueDeadLetterBytes: try reader.integer(Setting.limitsDeadLettersQueueBytes),
            projectDeadLetterBytes: try reader.integer(Setting.limitsDeadLettersProjectBytes),
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

extension EmailSettings {
    /// What an operator set.
    ///
    /// - Throws: ``SettingError``, also when mail could be sent and has no sender.
    init(_ reader: SettingReader) throws(SettingError) {
        self.init()
        self.authorities = reader.text(Setting.emailTLSAuthorities)
        self.hostName = try Self.hostName(reader)
        self.sessions = try reader.integer(Setting.emailSessions)
        self.connectTimeout = try reader.seconds(Setting.emailConnectTimeout)
        self.replyTimeout = try reader.seconds(Setting.emailTimeout)
        self.dataTimeout = try reader.seconds(Setting.emailDataTimeout)
        self.hasFeedbackID = reader.boolean(Setting.emailFeedbackID) == true
        if let from = reader.text(Setting.emailFrom) {
            do throws(MailAddressInvalid) {
                self.sender = try Mailbox(from)
            } catch {
                throw .unusable(Setting.emailFrom, value: from, reason: "is no address of mail: \(error.reason)")
            }
        }
        self.bounces = try BounceAddress(reader)
        self.transport = try Self.transport(reader)
        if case .command = self.transport, let address = reader.text(Setting.emailBounceAddress) {
            throw .unusable(
                Setting.emailBounceAddress, value: address,
                reason: "is set beside \(Setting.emailCommand.name), which chooses the envelope by itself")
        }
        var isLoopback = false
        if case .relay(let url) = self.transport { isLoopback = url.isLoopback }
        self.tls = reader.text(Setting.emailTLS).flatMap(TLSUse.init) ?? (isLoopback ? .offered : .required)
        guard self.transport == nil || self.sender != nil else { throw .missing(Setting.emailFrom) }
    }

    private static func transport(_ reader: SettingReader) throws(SettingError) -> Transport? {
        if let command = reader.text(Setting.emailCommand) {
            guard reader.text(Setting.emailRelay) == nil else {
                throw .unusable(
                    Setting.emailCommand, value: command,
                    reason: "is set beside \(Setting.emailRelay.name); keep one of them")
            }
            let arguments = command.split(separator: " ").map(String.init)
            guard let program = arguments.first, program.hasPrefix("/") else {
                throw reader.invalid(Setting.emailCommand, value: command)
            }
            return .command(arguments)
        }
        guard let relay = reader.text(Setting.emailRelay) else { return nil }
        do throws(RelayURL.Invalid) {
            return .relay(try RelayURL(relay))
        } catch {
            throw .unusable(Setting.emailRelay, value: nil, reason: error.reason)
        }
    }

    private static func hostName(_ reader: SettingReader) throws(SettingError) -> String? {
        guard let name = reader.text(Setting.emailHostname) else { return nil }
        let isName = name.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        guard !name.isEmpty, name.utf8.count <= 253, isName else { throw reader.invalid(Setting.emailHostname) }
        return name
    }
}

extension RelayURL.Invalid {
    /// What is wrong and what is allowed; never a part of the value, which may hold a password.
    fileprivate var reason: String {
        switch self {
        case .implicitTLS:
            "begins with smtps://, TLS from the first byte, which is not spoken; use smtp:// with the port for submission (587), "
                + "where STARTTLS encrypts"
        case .scheme: "has to begin with smtp://"
        case .login: "has a user or a password that is empty, not percent-encoded or holds a control character"
        case .host: "has no host, or one that is no name"
        case .ipv6: "names an IPv6 address; give it a name in DNS or /etc/hosts"
        case .port: "has a port that is no number from 1 to 65535"
        case .rest: "has a path or a query; allowed: \(Setting.emailRelay.allowed)"
        }
    }
}
