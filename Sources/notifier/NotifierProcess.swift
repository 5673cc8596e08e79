import Domain
import Logging
import NIOPosix
import Redis
import Runtime
import ServiceLifecycle
import Store

/// A notifier: takes what is owed to subscriptions out of Redis and delivers it.
///
/// Any number of them may run.
///
/// Its services in start order; a stop runs backwards:
///
/// | service | stop |
/// |---|---|
/// | connections to Redis | after everything that was to be written is |
/// | the bell's connection | with the engine's last read |
/// | the engine | attempts finish or are handed back, results are written down |
package enum NotifierProcess {
    /// - Throws: ``SettingError``.
    static func services(_ context: HeraldProcess.Context) throws -> [any Service] {
        let logger = context.logger
        let asked = try NotifierSettings(context.settings)
        let room = OpenFiles.makeRoom(for: asked.engine.concurrency)
        if room < asked.engine.concurrency {
            logger.warning(
                "Too few open files are allowed for notifier.concurrency, which is lowered",
                metadata: ["asked": "\(asked.engine.concurrency)", "lowered": "\(room)"])
        }
        let settings = asked.limited(to: room)
        let eventLoops = MultiThreadedEventLoopGroup.singleton
        let pool = RedisPool(
            endpoint: settings.redis, connections: settings.redisConnections, eventLoopGroup: eventLoops,
            logger: logger)
        let bell = RedisBlockingConnection(endpoint: settings.redis, eventLoopGroup: eventLoops, logger: logger)
        let engine = Opening(
            "the store", logger: logger,
            open: {
                do {
                    let store = try await Store.open(on: pool, shards: settings.shards, logger: logger)
                    guard let look = try await store.deliveries.look(at: [0]).first else {
                        throw StoreError.corrupt("a look at one shard saw none")
                    }
                    return Opened(store: store, now: look.now)
                } catch StoreOpeningError.shardsDiffer(let asked, let kept) {
                    throw SettingError.unusable(
                        .shards, value: "\(asked)", reason: "does not agree with this Redis, which has \(kept)")
                }
            },
            services: { opened in
                let client = try WebhookClient(
                    limits: settings.webhook, egress: settings.egress, version: HeraldVersion.text, logger: logger)
                let engine = Engine(
                    store: opened.store, client: client, bell: bell, masterKey: settings.masterKey,
                    vault: settings.vault, settings: settings.engine, now: opened.now,
                    eventLoopGroup: eventLoops, logger: logger)
                context.readiness.open { await Self.readiness(of: opened.store) }
                context.readyFile.report(.work)
                return [StoppingClient(client: client), engine]
            })
        return [pool, bell, engine]
    }

    private struct Opened: Sendable {
        let store: Store
        let now: Timestamp
    }

    private static func readiness(of store: Store) async -> Readiness {
        do throws(StoreError) {
            try await store.ping()
            try await store.probeWritable()
            return .ready
        } catch {
            return .notReady("Redis is not available or not writable")
        }
    }

    /// Ends the transfer thread after the engine, which is the last to use it.
    private struct StoppingClient: Service {
        let client: WebhookClient

        func run() async throws {
            // Cancelled or asked to stop: the thread ends either way.
            try? await gracefulShutdown()
            self.client.stop()
        }
    }
}
