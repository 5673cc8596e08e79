package import Domain
package import Redis
package import Runtime
package import Settings
package import Signing
package import Store

/// What every process reads to use the store: where it is, and the keys of what lies in it.
///
/// | setting | means |
/// |---|---|
/// | `redis.url`, `redis.connections` | the control store, and connections to each Redis |
/// | `redis.durability`, `redis.replicas`, `redis.replication.timeout` | how far what is written has to get |
/// | `redis.tls.…` | who is believed by `rediss://`, there and of pools |
/// | `shards` | fixed at the first start |
/// | `master.key` | signing secrets are derived from it |
/// | `message.encryption.keys` | newest first; without them one derived from the master key |
/// | `limits.waiting.…` | how many deliveries may wait |
/// | those of ``AgreedSettings`` | must be the same in every process |
package struct StoreSettings: Sendable {
    package let redis: RedisURL
    /// Of all connections whose URL asks for TLS.
    package let redisTLS: TLSSettings
    package let redisConnections: Int
    package let durability: Durability
    /// What is waited for to get that far; nil: nothing.
    package let reach: WriteReach?
    package let shards: Int
    package let masterKey: MasterKey
    package let vault: Vault
    /// How much may wait, which every process applies; the bounds of dead letters are the notifiers' alone.
    package let deliveries: DeliveryLimits
    /// How long a sync of the append-only file is waited for, which Redis begins each second.
    private static let diskWait = Duration.seconds(3)

    /// What every process of a deployment must have alike; of secrets only fingerprints.
    let agreed: AgreedSettings

    /// The settings read here, and the file they may stand in.
    package static let all = [
        Setting.redisURL, Setting.redisTLSCAFile, Setting.redisTLSCertificateFile, Setting.redisTLSKeyFile,
        Setting.redisConnections, Setting.redisDurability, Setting.redisReplicas, Setting.redisReplicationTimeout,
        Setting.shards, Setting.masterKey, Setting.messageEncryptionKeys,
        Setting.limitsWaitingSubscription, Setting.limitsWaitingProject, Setting.confirmationRequired,
        Setting.emailConfirmation, Setting.emailPagesPrefix, Setting.emailLinkKeys, Setting.signedURLKeys,
        Setting.defaultsRetry, Setting.postsKeyWindow, Setting.configFile,
    ]

    /// Where the control store is.
    package static func redis(_ reader: SettingReader) throws(SettingError) -> RedisURL {
        let url = try reader.required(Setting.redisURL)
        do { return try RedisURL(url, as: .setting) } catch {
            throw .unusable(Setting.redisURL, value: nil, reason: "\(error)")
        }
    }

    private static func reach(
        _ reader: SettingReader, for durability: Durability
    ) throws(SettingError) -> WriteReach? {
        guard durability == .replicated else {
            let needed = "\(Setting.redisDurability.name): \(Durability.replicated.rawValue)"
            for setting in [Setting.redisReplicas, Setting.redisReplicationTimeout] {
                try reader.refuse(namesWith: setting.name, without: needed)
            }
            return durability == .disk ? WriteReach(.disk, within: Self.diskWait) : nil
        }
        return WriteReach(
            .replicas(try reader.integer(Setting.redisReplicas)),
            within: try reader.seconds(Setting.redisReplicationTimeout))
    }

    /// - Parameter isOfCommand: It is no process that reads them, see ``AgreedSettings``.
    /// - Throws: ``SettingError``, which shows no key and no password.
    package init(_ reader: SettingReader, isOfCommand: Bool = false) throws(SettingError) {
        self.redis = try Self.redis(reader)
        self.redisTLS = try TLSSettings.client(.redis, reader)
        self.redisConnections = try reader.integer(Setting.redisConnections)
        guard let durability = Durability(rawValue: try reader.required(Setting.redisDurability)) else {
            throw reader.invalid(Setting.redisDurability)
        }
        self.durability = durability
        self.reach = try Self.reach(reader, for: durability)
        self.shards = try reader.integer(Setting.shards)
        let keys = reader.list(Setting.masterKey)
        guard let key = keys.first else { throw .missing(Setting.masterKey) }
        do { self.masterKey = try MasterKey(key, others: Array(keys.dropFirst())) } catch {
            throw reader.invalid(Setting.masterKey)
        }
        var vaultKeys: [VaultKey] = []
        for text in reader.list(Setting.messageEncryptionKeys) {
            do { vaultKeys.append(try VaultKey(text)) } catch { throw reader.invalid(Setting.messageEncryptionKeys) }
        }
        self.vault = Vault(masterKey: self.masterKey, keys: vaultKeys)
        self.deliveries = DeliveryLimits(
            subscriptionWaiting: try reader.integer(Setting.limitsWaitingSubscription),
            projectWaiting: try reader.integer(Setting.limitsWaitingProject))
        self.agreed = try AgreedSettings(
            reader, masterKey: self.masterKey, vaultKeys: vaultKeys, isOfCommand: isOfCommand)
    }
}
