import Logging
import NIOPosix
import Pools
import Redis
package import Runtime
package import ServiceLifecycle
import Store

/// The API, as its services in start order; they stop in the opposite order.
///
/// ```
/// Redis connections ─ store (waits until Redis answers) ─ REST server
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
            try await Self.open(on: pool, settings, logger)
        } services: { store in
            context.readiness.open {
                do {
                    try await store.probeWritable()
                    return .ready
                } catch {
                    logger.debug("Not ready", metadata: [LogKey.error: "\(error)"])
                    return .notReady("Redis does not take writes")
                }
            }
            return [
                RESTServer(
                    settings.listen,
                    operations: Operations(
                        stores: PoolDirectory(control: store), limits: settings.limits, masterKey: settings.masterKey,
                        vault: settings.vault, modes: settings.modes, confirmation: settings.confirmation,
                        logger: logger),
                    rules: settings.access, eventLoopGroup: eventLoops, logger: logger
                ) { context.readyFile.report(.listen, at: $0) }
            ]
        }
        return [pool, serving]
    }

    /// Opens the store; what waiting cannot mend ends the process.
    private static func open(on pool: RedisPool, _ settings: APISettings, _ logger: Logger) async throws -> Store {
        do {
            return try await Store.open(on: pool, shards: settings.shards, logger: logger)
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
