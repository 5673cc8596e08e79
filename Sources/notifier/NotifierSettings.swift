import Redis
import Runtime
import Signing

/// What a notifier was told.
///
/// | setting | default | means |
/// |---|---|---|
/// | `redis.url`, `redis.connections`, `shards` | `redis://127.0.0.1:6379/0`, 2, 16 | where the work is |
/// | `master.key` | required | what signing secrets are derived from |
/// | `message.encryption.keys` | none | what sealed bodies open with, beside the key derived from the master key |
/// | `confirmation.required` | `false` | whether only confirmed subscriptions are notified |
/// | `notifier.concurrency` | 8192 | attempts under way at once |
/// | `notifier.host.concurrency` | 1024 | attempts under way at once to one host |
/// | `notifier.lease` | 15 s | how long a delivery is this notifier's without a sign of life |
/// | `notifier.drain` | 20 s | how long attempts may take to finish after SIGTERM |
/// | `notifier.disable.after` | 0, never | how long a subscription may do nothing but fail |
/// | `webhook.connect.timeout`, `webhook.timeout` | 5 s, 30 s | how long a connection and a whole exchange may take |
/// | `egress.allow` | none | non-public ranges webhooks may reach |
struct NotifierSettings: Sendable {
    let redis: RedisEndpoint
    let redisConnections: Int
    let shards: Int
    let masterKey: MasterKey
    let vault: Vault
    let egress: EgressPolicy
    private(set) var webhook: WebhookLimits
    private(set) var engine: EngineSettings

    init(_ reader: SettingReader) throws(SettingError) {
        do {
            self.redis = try RedisEndpoint(url: reader.required(.redisURL))
        } catch let error as SettingError {
            throw error
        } catch {
            throw .unusable(.redisURL, value: nil, reason: "\(error)")
        }
        self.redisConnections = try reader.integer(.redisConnections)
        self.shards = try reader.integer(.shards)
        do {
            self.masterKey = try MasterKey(reader.required(.masterKey))
        } catch let error as SettingError {
            throw error
        } catch {
            throw .unusable(.masterKey, value: nil, reason: "\(error)")
        }
        self.vault = try Vault(reader, masterKey: self.masterKey)
        var opened: [AddressRange] = []
        for text in reader.list(.egressAllow) {
            guard let range = AddressRange(text) else { throw reader.invalid(.egressAllow, value: text) }
            opened.append(range)
        }
        self.egress = EgressPolicy(opened: opened)
        var webhook = WebhookLimits()
        webhook.connectTimeout = try reader.seconds(.webhookConnectTimeout)
        webhook.timeout = try reader.seconds(.webhookTimeout)
        webhook.transfersMax = try reader.integer(.notifierConcurrency)
        self.webhook = webhook
        var engine = EngineSettings()
        engine.concurrency = webhook.transfersMax
        engine.hostConcurrency = try reader.integer(.notifierHostConcurrency)
        engine.confirmedOnly = try reader.required(.confirmationRequired) == "true"
        engine.disableAfter = try reader.seconds(.notifierDisableAfter)
        engine.lease = try reader.seconds(.notifierLease)
        engine.drain = Self.drain(within: try reader.seconds(.notifierDrain))
        self.engine = engine
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
