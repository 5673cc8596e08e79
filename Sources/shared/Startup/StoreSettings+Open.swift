import Domain
package import Logging
package import Redis
import Settings
package import Store

extension StoreSettings {
    /// Opens the store of a process that is to serve.
    ///
    /// - Parameter limits: How much is kept of deliveries; nil: as far as every process applies that.
    /// - Throws: ``SettingError`` for what waiting cannot cure, so that the process ends with status 78; what it can,
    ///   ``SettingsDiffer`` among it, is thrown as it is.
    package func open(
        on redis: RedisClient, limits: DeliveryLimits? = nil, logger: Logger
    ) async throws -> Store {
        let store = try await self.openStore(on: redis, limits: limits, logger: logger)
        if let differ = try await self.disagreement(in: store) { throw differ }
        return store
    }

    /// The same, whether the settings agree with the deployment's or not.
    package func openStore(
        on redis: RedisClient, limits: DeliveryLimits? = nil, logger: Logger
    ) async throws -> Store {
        do throws(StoreOpeningError) {
            return try await Store.open(
                on: redis, shards: self.shards, durability: self.durability, limits: limits ?? self.deliveries,
                logger: logger)
        } catch {
            throw Self.ending(error)
        }
    }

    /// What a store that cannot be used means for a process: a ``SettingError`` where waiting cannot cure it.
    static func ending(_ error: StoreOpeningError) -> any Error {
        switch error {
        case .unavailable: error
        case .shardsDiffer(let asked, _):
            SettingError.unusable(Setting.shards, value: "\(asked)", reason: "\(error)")
        case .notOnDisk:
            SettingError.unusable(Setting.redisDurability, value: Durability.disk.rawValue, reason: "\(error)")
        case .versionTooOld, .evicts, .isCluster, .formatUnknown, .corrupt:
            SettingError.unusable(Setting.redisURL, value: nil, reason: "\(error)")
        }
    }

    /// What differs from the settings of the deployment; nil when nothing does.
    ///
    /// The first process of a deployment sets them.
    package func disagreement(in store: Store) async throws(StoreError) -> SettingsDiffer? {
        let kept = try await store.fingerprints.differences(from: self.agreed.kept)
        let differences = self.agreed.differences(from: kept).filter { !$0.own.agrees(with: $0.kept) }
        return differences.isEmpty ? nil : SettingsDiffer(differences)
    }

    /// What is not as the deployment has it, whether one may serve beside it or not; it writes nothing.
    package func changes(in store: Store) async throws(StoreError) -> [SettingsDiffer.Difference] {
        self.agreed.differences(
            from: try await store.fingerprints.differences(from: self.agreed.kept, writesMissing: false))
    }

    /// Makes these settings the deployment's.
    package func accept(in store: Store) async throws(StoreError) {
        try await store.fingerprints.accept(self.agreed.kept)
    }
}
