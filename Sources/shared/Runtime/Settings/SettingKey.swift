/// The name of one setting, as it is spelled in the file: words from general to special, dots between.
///
/// The flag and the environment variable of each are in ``SettingCatalog``.
package enum SettingKey: String, Sendable, CaseIterable {
    case redisURL = "redis.url"
    case redisConnections = "redis.connections"
    case shards = "shards"
    case masterKey = "master.key"
    case signedURLKeys = "signed.url.keys"

    case apiListen = "api.listen"
    case apiAdminListen = "api.admin.listen"
    case apiAuth = "api.auth"
    case apiDrain = "api.drain"

    case notifierAdminListen = "notifier.admin.listen"
    case notifierConcurrency = "notifier.concurrency"
    case notifierLease = "notifier.lease"
    case notifierDrain = "notifier.drain"
    case webhookConnectTimeout = "webhook.connect.timeout"
    case webhookTimeout = "webhook.timeout"
    case egressAllow = "egress.allow"

    case logLevel = "log.level"
    case readyFile = "ready.file"
    case configFile = "config.file"
}
