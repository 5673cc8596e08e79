import Logging
import NIOCore
import NIOPosix
import Pools
import Redis
package import Runtime
package import ServiceLifecycle
import Store

/// The API, as its services in start order; they stop in the opposite order.
///
/// ```
/// Redis connections ─ store (waits until Redis answers) ─ the pools ─ REST server
/// ```
///
/// Around them ``HeraldProcess`` puts the admin server, the ready file and the deadline of a stop.
package enum APIProcess {
    /// - Throws: ``SettingError``.
    package static func services(_ context: HeraldProcess.Context) throws -> [any Service] {
        let settings = try APISettings(context.settings)
        let logger = context.logger
        if settings.hasShortSignedURLKey {
            logger.warning("A key of pre-signed URLs is short enough to be guessed; use 16 characters or more")
        }
        let eventLoops = MultiThreadedEventLoopGroup.singleton
        let pool = RedisPool(
            endpoint: settings.redis, connections: settings.redisConnections, eventLoopGroup: eventLoops,
            logger: logger)
        let serving = Opening("the store", logger: logger) {
            try await Self.open(on: pool, settings, eventLoops, logger)
        } services: { stores in
            context.readiness.open {
                do {
                    try await stores.defaultStore.probeWritable()
                    return .ready
                } catch {
                    logger.debug("Not ready", metadata: [LogKey.error: "\(error)"])
                    return .notReady("Redis does not take writes")
                }
            }
            return [
                stores,
                PoolMetrics(of: stores, logger: logger),
                RESTServer(
                    settings.listen,
                    operations: Operations(
                        stores: stores, limits: settings.limits, masterKey: settings.masterKey,
                        vault: settings.vault, modes: settings.modes, confirmation: settings.confirmation,
                        logger: logger),
                    rules: settings.access, eventLoopGroup: eventLoops, logger: logger
                ) { context.readyFile.report(.listen, at: $0) },
            ]
        }
        return [pool, serving]
    }

    /// Opens the store; what waiting cannot mend ends the process.
    private static func open(
        on pool: RedisPool, _ settings: APISettings, _ eventLoops: any EventLoopGroup, _ logger: Logger
    ) async throws -> PoolDirectory {
        do throws(StoreOpeningError) {
            let store = try await Store.open(on: pool, shards: settings.shards, logger: logger)
            do throws(StoreError) {
                return try await PoolDirectory.open(
                    control: store, endpoint: RedisURI(settings.redis),
                    PoolDirectory.Settings(
                        connections: settings.redisConnections, eventLoopGroup: eventLoops, logger: logger))
            } catch {
                throw .unavailable(error)
            }
        } catch {
            switch error {
            case .unavailable: throw error
            case .shardsDiffer:
                throw SettingError.unusable(.shards, value: "\(settings.shards)", reason: "\(error)")
            case .versionTooOld, .evicts, .corrupt:
                throw SettingError.unusable(.redisURL, value: nil, reason: "\(error)")
            }
        }
    }
}
