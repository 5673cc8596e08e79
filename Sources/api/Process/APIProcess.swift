import Domain
import HTTPServer
import Logging
import NIOCore
import NIOPosix
import Operations
import Placement
import Redis
package import Runtime
package import ServiceLifecycle
import Settings
import Startup
import Store
import TLS

/// The API, as its services in start order; they stop in the opposite order.
///
/// ```
/// audit log ─ Redis connections ─ Keystone, if it authenticates callers ─ store (waits until Redis answers) ─ the pools
///     ─ sessions ─ WebSocket server ─ REST server
/// ```
///
/// Around them ``HeraldProcess`` puts the admin server, files that are read again, the ready file and the deadline of a stop.
package enum APIProcess {
    /// - Throws: ``SettingError``.
    package static func services(_ context: HeraldProcess.Context) throws -> [any Service] {
        let settings = try APISettings(context.settings)
        let logger = context.logger
        if settings.hasShortSignedURLKey {
            logger.warning("A key of pre-signed URLs is short enough to be guessed; use 16 characters or more")
        }
        if let first = settings.authentication.exposed.first {
            logger.warning(
                "Nothing is authenticated and other machines reach the API: the identity headers of all callers are trusted",
                metadata: ["address": "\(first)"])
        }
        let http = Self.fitted(
            settings.http, isGiven: context.settings.isGiven(Setting.apiConnections), logger)
        let eventLoops = MultiThreadedEventLoopGroup.singleton
        let redisTLS = try TLSReloader(settings.store.redisTLS, logger: logger)
        let redis = RedisClient(
            url: settings.store.redis, tls: redisTLS.holder, connections: settings.store.redisConnections,
            reach: settings.store.reach, eventLoopGroup: eventLoops, logger: logger)
        let audit = try AuditLog.open(settings.audit, logger: logger)
        let requests = settings.requestLog.map { RequestLog($0, logger: logger) }
        let tls = try settings.tls.map { try TLSReloader($0, logger: logger) }
        let keystone = try settings.authentication.keystone.map { try KeystoneService($0, logger: logger) }
        let trustee = try settings.trustee.map { try Trustee($0, process: .api, logger: logger) }
        let serving = Opening("the store", drain: context.drain, logger: logger, readiness: context.readiness) {
            try await Self.open(on: redis, settings.store, redisTLS.holder, eventLoops, logger)
        } services: { stores in
            context.readiness.open {
                do throws(StoreError) {
                    guard try await stores.defaultStore.probeWritable() else {
                        return .readyBut("the store is full: posts are refused, what frees memory goes on")
                    }
                    return keystone?.trouble.map { .readyBut($0) } ?? .ready
                } catch {
                    logger.debug("Not ready", metadata: [LogKey.error: "\(error)"])
                    return .notReady("the store is not usable: \(error.trouble.rawValue)")
                }
            }
            let authentication = try await Self.authentication(
                settings.authentication, keystone, stores.defaultStore, logger)
            let (id, election) = (RegisteredProcess.newID(), ExporterElection())
            let operations = Operations(
                stores: stores, limits: settings.limits, masterKey: settings.store.masterKey,
                vault: settings.store.vault, options: settings.options, confirmation: settings.confirmation,
                mailConfirmation: settings.mailConfirmation,
                trusts: trustee.map { Trusts($0.keystone, logger: logger) }, linkKeys: settings.links.keys,
                signedURLKeys: settings.access.signedURLKeys,
                admission: ProjectAdmission(requestsMax: settings.projectRequestsMax),
                waits: QueueWaits(waitsMax: settings.projectWaitsMax),
                projectLimits: settings.projectLimits, process: id, logger: logger)
            let sessions = SessionRegistry(settings.sessions)
            let node = SessionNode(
                id, operations: operations, control: stores.defaultStore, registry: sessions,
                connection: stores.defaultStore.connectionToNodeStreams(logger: logger), logger: logger)
            let endpoint = WebSocketEndpoint(
                operations: operations, rules: settings.access, authentication: authentication,
                limits: settings.sessions,
                origins: settings.webSocketOrigins, registry: sessions, subscriptions: node, audit: audit,
                requests: requests,
                logger: logger)
            return [
                AgreementWatch(settings.store, in: stores.defaultStore, readiness: context.readiness),
                ProcessRegistration(
                    of: .api, id: id, settings.store, in: stores.defaultStore, election: election,
                    readyFile: context.readyFile, logger: logger),
                StoreWatch(stores.defaultStore, name: "default", logger: logger),
                stores,
                MoveRecovery(stores, logger: logger),
                DeploymentExporter(
                    control: stores.defaultStore, queues: settings.measuredQueues, election: election, logger: logger
                ) { await stores.measured() },
                AdmissionWatch(admission: operations.admission),
                operations.connections,
                node,
                sessions,
                WebSocketServer(
                    settings.webSocketListen, endpoint: endpoint, limits: http, tls: tls?.holder,
                    proxies: settings.proxies, eventLoopGroup: eventLoops, logger: logger
                ) { context.readyFile.report(.websocket, at: $0, isEncrypted: tls != nil) },
                RESTServer(
                    settings.listen, operations: operations, rules: settings.access, pages: settings.pages,
                    authentication: authentication, limits: http, tls: tls?.holder, proxies: settings.proxies,
                    audit: audit, requests: requests,
                    upgrade: { $0.path == WebSocketEndpoint.path ? endpoint.respond(to: $0) : nil },
                    eventLoopGroup: eventLoops, logger: logger
                ) { context.readyFile.report(.listen, at: $0, isEncrypted: tls != nil) },
            ]
        }
        let policy = PolicyReloader(
            settings.policy, read: settings.policyMarks, into: settings.access.policy, logger: logger)
        let reloadables: [(any Reloadable)?] = [audit, policy, tls, redisTLS]
        for each in reloadables.compactMap(\.self) { context.reloads.add(each) }
        let beside: [(any Service)?] = [audit, redis, keystone, trustee]
        return beside.compactMap(\.self) + [serving]
    }

    /// - Parameter keystone: nil unless it authenticates callers.
    /// - Throws: `SettingError` for a file that has no first key, `StoreError`.
    private static func authentication(
        _ settings: AuthenticationSettings, _ keystone: KeystoneService?, _ control: Store, _ logger: Logger
    ) async throws -> Authentication {
        if let keystone { return .required(keystone.authenticator) }
        guard settings.mode == .keys else { return .none }
        try await settings.bootstrap?.run(control.apiKeys, at: .ofThisMachine(), logger: logger)
        return .required(APIKeyAuthenticator(directory: APIKeyDirectory(control.apiKeys, logger: logger)))
    }

    /// Open files besides connections of callers: Redis, the pools, the admin listener, the log.
    private static let otherFiles = 256

    /// Listeners, of REST and of WebSocket, that take as many connections each.
    private static let listeners = 2

    /// Raises the soft limit of open files as far as the connections need and the system allows, and lowers them to what it
    /// allows: a descriptor is left for everything else.
    ///
    /// - Parameter isGiven: Whether an operator asked for so many.
    private static func fitted(_ limits: HTTPLimits, isGiven: Bool, _ logger: Logger) -> HTTPLimits {
        let needed = Self.listeners * limits.connectionsMax + Self.otherFiles
        let files = OpenFiles.raise(to: needed)
        guard files < needed else { return limits }
        let wanted = limits.connectionsMax
        var limits = limits
        limits.connectionsMax = max(1, (files - min(Self.otherFiles, files / 2)) / Self.listeners)
        logger.log(
            level: isGiven ? .warning : .notice,
            "The hard limit of open files allows less than api.connections, which is lowered",
            metadata: [
                "api.connections": "\(wanted)", "lowered": "\(limits.connectionsMax)",
                "open.files.needed": "\(needed)",
            ])
        return limits
    }

    private static func open(
        on redis: RedisClient, _ settings: StoreSettings, _ tls: TLSContextHolder, _ eventLoops: any EventLoopGroup,
        _ logger: Logger
    ) async throws -> PoolDirectory {
        try await PoolDirectory.open(
            control: try await settings.open(on: redis, logger: logger), url: settings.redis,
            PoolDirectory.Settings(
                connections: settings.redisConnections, tls: tls, eventLoopGroup: eventLoops, logger: logger))
    }
}
