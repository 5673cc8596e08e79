package import Logging
package import Redis
import Runtime
package import Store

extension StoreSettings {
    /// Opens the store of a process.
    ///
    /// - Throws: ``SettingError`` for what waiting cannot cure, so that the process ends with status 78;
    ///   ``StoreOpeningError/unavailable(_:)`` for what it can.
    package func open(on redis: RedisPool, logger: Logger) async throws -> Store {
        do throws(StoreOpeningError) {
            return try await Store.open(on: redis, shards: self.shards, logger: logger)
        } catch {
            switch error {
            case .unavailable:
                throw error
            case .shardsDiffer:
                throw SettingError.unusable(Setting.shards, value: "\(self.shards)", reason: "\(error)")
            case .versionTooOld, .evicts, .corrupt:
                throw SettingError.unusable(Setting.redisURL, value: nil, reason: "\(error)")
            }
        }
    }
}
