package import ArgumentParser
import Domain
import Logging
import NIOPosix
import Placement
import Redis
import Runtime
import ServiceLifecycle
package import Settings
import Startup
import Store

/// A notifier: takes deliveries that are due out of Redis and makes them.
///
/// Any number of them may run.
///
/// Its services in start order; a stop runs backwards:
///
/// | service | stop |
/// |---|---|
/// | the connection to the control store | last |
/// | the watch over the pools | |
/// | the relay to sessions of API nodes, Keystone | after the engines |
/// | the supervisor of the pools: an engine for each | attempts finish or are handed back, results are written down |
package enum NotifierProcess {
    /// - Throws: ``SettingError``.
    static func services(_ context: HeraldProcess.Context) throws -> [any Service] {
        let logger = context.logger
        let given = try NotifierSettings(context.settings)
        let files = AttemptFiles(given.store.redis, shards: given.store.shards)
        let concurrency = files.raise(for: given.engine.concurrency)
        if concurrency < given.engine.concurrency {
            // A default that does not fit is chosen anew; only a value that was given is worth a warning.
            logger.log(
                level: context.settings.isGiven(Setting.notifierConcurrency) ? .warning : .notice,
                "The hard limit of open files allows less than notifier.concurrency, which is lowered",
                metadata: [
                    "notifier.concurrency": "\(given.engine.concurrency)", "lowered": "\(concurrency)",
                    "open.files.needed": "\(files.needed(for: given.engine.concurrency))",
                ])
        }
        let settings = given.limited(to: concurrency)
        // Looked at now: with a file that cannot be used every attempt would fail.
        _ = try settings.webhookTLS.context(logger)
        let mail = try Self.mailRelay(settings.email, logger)
        let trustee = try settings.trustee.map { try Trustee($0, process: .notifier, logger: logger) }
        let eventLoops = MultiThreadedEventLoopGroup.singleton
        // What serves deliveries has connections of its own; this one looks after the pools.
        let redisTLS = try TLSReloader(settings.store.redisTLS, logger: logger)
        context.reloads.add(redisTLS)
        let control = RedisClient(
            url: settings.store.redis, tls: redisTLS.holder, connections: 1, reach: settings.store.reach,
            eventLoopGroup: eventLoops, logger: logger)
        let serving = Opening(
            "the store", drain: context.drain, logger: logger, readiness: context.readiness,
            open: {
                let store = try await settings.store.open(on: control, limits: settings.deliveries, logger: logger)
                let watch = try await PoolWatch.open(
                    control: store, url: settings.store.redis, logger: logger)
                return Opened(store: store, watch: watch)
            },
            services: { opened in
                let health = PoolHealth()
                let (id, election, served) = (RegisteredProcess.newID(), ExporterElection(), ServedStores())
                let sessions = SessionRelay(
                    id, control: opened.store,
                    connection: opened.store.connectionToNodeStreams(logger: logger), logger: logger)
                context.readiness.open { await Self.readiness(of: opened.store, health) }
                let supervisor = PoolSupervisor(
                    control: opened.store, watch: opened.watch, settings: settings, health: health,
                    served: served, redisTLS: redisTLS.holder, mail: mail, sessions: sessions,
                    trustee: trustee?.keystone,
                    eventLoops: eventLoops, logger: logger
                ) { context.readyFile.report(.work) }
                return [
                    StoreWatch(opened.store, name: "control", logger: logger),
                    AgreementWatch(settings.store, in: opened.store, readiness: context.readiness),
                    ProcessRegistration(
                        of: .notifier, id: id, settings.store, in: opened.store, election: election,
                        readyFile: context.readyFile, logger: logger),
                    opened.watch,
                    DeploymentExporter(
                        control: opened.store, queues: settings.measuredQueues, election: election, logger: logger
                    ) { served.stores(of: opened.watch.endpoints) },
                    sessions,
                    supervisor,
                ]
            })
        return [control] + (trustee.map { [$0] } ?? []) + [serving]
    }

    /// Starts what sends mail; nil when nothing is set to send it with.
    private static func mailRelay(_ settings: EmailSettings, _ logger: Logger) throws -> MailRelay? {
        guard let transport = settings.transport, let sender = settings.sender else { return nil }
        if case .relay(let url) = transport, url.login != nil, settings.tls != .required, !url.isLoopback {
            logger.warning(
                "The password of the mail relay may be sent without encryption",
                metadata: ["relay": "\(url.origin)", Setting.emailTLS.name: "\(settings.tls.rawValue)"])
        }
        do throws(MailRelay.Invalid) {
            return try MailRelay(settings, transport, from: sender, logger: logger)
        } catch {
            switch error {
            case .authorities:
                throw SettingError.unusable(
                    Setting.emailTLSAuthorities, value: settings.authorities, reason: "\(error)")
            case .noThread: throw error
            }
        }
    }

    private struct Opened: Sendable {
        let store: Store
        let watch: PoolWatch
    }

    private static func readiness(of store: Store, _ health: PoolHealth) async -> Readiness {
        guard health.readiness == .ready else { return health.readiness }
        do throws(StoreError) {
            return try await store.probeWritable()
                ? .ready : .readyBut("the store is full: posts are refused, what frees memory goes on")
        } catch {
            return .notReady("the store is not usable: \(error.trouble.rawValue)")
        }
    }
}

/// `herald-notifier`: delivers the messages of subscribed queues until it is asked to stop.
package struct NotifierCommand: ProcessCommand {
    package static let process = ProcessKind.notifier
    package static let configuration = CommandConfiguration(
        commandName: process.rawValue,
        abstract: "Deliver the messages of subscribed queues as signed webhooks and mails.",
        discussion: "Every flag is also an environment variable (HERALD_…) and a line of the settings file. "
            + "See docs/configuration.md.",
        version: HeraldVersion.printed)

    @OptionGroup package var flags: SettingFlags<NotifierCommand>

    package init() {}

    package func run() async throws {
        try await HeraldProcess.run(Self.process, flags: self.flags.given, readyWith: [.work]) { context in
            try NotifierProcess.services(context)
        }
    }
}
