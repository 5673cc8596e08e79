import API
import Domain
import Foundation
import HTTPServer
import Logging
import NIOConcurrencyHelpers
import NIOPosix
import Operations
import Placement
import Redis
import Runtime
import ServiceLifecycle
import Settings
import Signing
import Store
import TestKit

/// The REST server of the API on loopback, over a Redis of the test's own.
struct RunningAPI: Sendable {
    static let masterKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

    let address: String
    /// Where the WebSocket protocol alone is spoken.
    let socketAddress: String
    let sessions: SessionRegistry
    let admission: ProjectAdmission
    let waits: QueueWaits
    let redis: RedisServer
    let store: Store
    /// The store's clock.
    let time: MovableTime
    private let group: ServiceGroup

    fileprivate init(
        address: String, socketAddress: String, sessions: SessionRegistry, admission: ProjectAdmission,
        waits: QueueWaits, redis: RedisServer, store: Store, time: MovableTime, group: ServiceGroup
    ) {
        self.address = address
        self.socketAddress = socketAddress
        self.sessions = sessions
        self.admission = admission
        self.waits = waits
        self.redis = redis
        self.store = store
        self.time = time
        self.group = group
    }

    /// A client of its own, with its own connection; the project is new unless given.
    func client(project: String? = nil) -> APIClient {
        APIClient(caller: HTTPCaller(self.address), project: project ?? UUID().uuidString)
    }

    /// A client of actions, with its own connection; the project is new unless given.
    func actions(project: String? = nil, isBinary: Bool = false) async throws -> ActionClient {
        try await ActionClient.connect(self.socketAddress, project: project, isBinary: isBinary)
    }

    /// Leases the deliveries of a shard that are due, as a notifier does.
    ///
    /// - Parameter fanningOut: Whether its events become deliveries first.
    func leaseDue(in shard: Int, fanningOut: Bool = false) async throws -> [Lease] {
        let (deliveries, allowance) = (self.store.deliveries, LeaseAllowance(capacity: 100))
        var leases: [Lease] = []
        if fanningOut {
            leases += try await deliveries.take(
                shard, allowance: allowance, lease: .seconds(15), confirmedOnly: false
            ).leases
        }
        return leases + (try await deliveries.lease(shard, allowance: allowance, lease: .seconds(15)).leases)
    }

    /// Leases the deliveries of all shards that are due.
    func leaseDue() async throws -> [Lease] {
        var leases: [Lease] = []
        for shard in 0..<self.store.deliveries.shards { leases += try await self.leaseDue(in: shard) }
        return leases
    }

    /// Asks the server to stop, as SIGTERM does.
    func stop() async {
        await self.group.triggerGracefulShutdown()
    }
}

private struct DidNotStart: Error {}

/// Runs the server around `body`; it has stopped when this returns.
///
/// - Parameters:
///   - endpoint: Where the API finds Redis; nil: where it is.
///   - time: The store's clock. It stands until a test moves it, so nothing ends because a test is slow; tests of waits give one that runs.
///
/// Closures say `async throws` themselves: the compiler does not see a `try` that stands only inside of `#expect`.
func withAPI(
    limits: Limits = Limits(), signedURLKeys: [String] = [], rules: AccessRules = AccessRules(),
    options: APIOptions = APIOptions(), vaultKeys: [String] = [], confirmation: ConfirmationRules? = nil,
    mailConfirmation: MailConfirmationRules? = nil, pages: PageRules = PageRules(),
    authenticator: (any Authenticator)? = nil, admission: ProjectAdmission = ProjectAdmission(),
    waits: QueueWaits = QueueWaits(), projectLimits: ProjectLimits = ProjectLimits(),
    sessionLimits: SessionLimits? = nil, sessionAuthenticator: (any Authenticator)? = nil, origins: [String] = [],
    subscriptions: (any SessionSubscriptions)? = nil, audit: AuditLog? = nil, redis: RedisServer? = nil,
    at endpoint: RedisEndpoint? = nil, http: HTTPLimits = HTTPLimits(), proxies: TrustedProxies = TrustedProxies(),
    time: MovableTime = .standingNow(), _ body: (RunningAPI) async throws -> Void
) async throws {
    guard let redis else {
        return try await withRedis { redis in
            try await withAPI(
                limits: limits, signedURLKeys: signedURLKeys, rules: rules, options: options, vaultKeys: vaultKeys,
                confirmation: confirmation, mailConfirmation: mailConfirmation, pages: pages,
                authenticator: authenticator, admission: admission, waits: waits, projectLimits: projectLimits,
                sessionLimits: sessionLimits,
                sessionAuthenticator: sessionAuthenticator, origins: origins, subscriptions: subscriptions,
                audit: audit, redis: redis, at: endpoint, http: http, proxies: proxies, time: time, body)
        }
    }
    do {
        let logger = Logger(label: "api-under-test") { _ in SwiftLogNoOpLogHandler() }
        let eventLoops = MultiThreadedEventLoopGroup.singleton
        let endpoint = endpoint ?? redis.endpoint
        let client = RedisClient(url: RedisURL(endpoint), eventLoopGroup: eventLoops, logger: logger)
        let (addresses, addressSource) = AsyncStream<ListenAddress>.makeStream()
        let (socketAddresses, socketAddressSource) = AsyncStream<ListenAddress>.makeStream()
        let sessionLimits = sessionLimits ?? SessionLimits(limits)
        let sessions = SessionRegistry(sessionLimits)
        let masterKey = try MasterKey(RunningAPI.masterKey)
        let vault = try Vault(masterKey: masterKey, keys: vaultKeys.map { try VaultKey($0) })
        var rules = rules
        rules.signedURLKeys = signedURLKeys.compactMap(SignedURLKey.init)
        let decided = rules
        var options = options
        options.shareKey = rules.signedURLKeys.first
        let chosen = options
        let opened = NIOLockedValueBox<Store?>(nil)
        let serving = Opening("the store", drain: .seconds(60), logger: logger, pause: .milliseconds(5)) {
            try await Store.open(on: client, shards: 16, clock: .manual { time.now }, logger: logger)
        } services: { store in
            opened.withLockedValue { $0 = store }
            let stores = try await PoolDirectory.open(
                control: store, url: RedisURL(endpoint),
                PoolDirectory.Settings(eventLoopGroup: eventLoops, logger: logger))
            let operations = Operations(
                stores: stores, limits: limits, masterKey: masterKey, vault: vault, options: chosen,
                confirmation: confirmation, mailConfirmation: mailConfirmation, signedURLKeys: decided.signedURLKeys,
                admission: admission, waits: waits, projectLimits: projectLimits, logger: logger)
            let node = SessionNode(
                RegisteredProcess.newID(), operations: operations, control: stores.defaultStore, registry: sessions,
                connection: RedisBlockingConnection(
                    url: RedisURL(endpoint), eventLoopGroup: eventLoops, logger: logger),
                logger: logger)
            let socket = WebSocketEndpoint(
                operations: operations, rules: decided, authentication: Authentication(sessionAuthenticator),
                limits: sessionLimits,
                origins: origins, registry: sessions, subscriptions: subscriptions ?? node, audit: audit,
                logger: logger)
            return [
                stores, operations.connections, node, sessions,
                WebSocketServer(
                    ListenAddress(host: "127.0.0.1", port: 0), endpoint: socket, proxies: proxies,
                    eventLoopGroup: eventLoops, logger: logger
                ) { socketAddressSource.yield($0) },
                RESTServer(
                    ListenAddress(host: "127.0.0.1", port: 0), operations: operations, rules: decided, pages: pages,
                    authentication: Authentication(authenticator), limits: http, proxies: proxies, audit: audit,
                    upgrade: { $0.path == WebSocketEndpoint.path ? socket.respond(to: $0) : nil },
                    eventLoopGroup: eventLoops, logger: logger
                ) { addressSource.yield($0) },
            ]
        }
        let group = ServiceGroup(configuration: .init(services: [client, serving], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = addresses.makeAsyncIterator()
            var socketIterator = socketAddresses.makeAsyncIterator()
            guard let address = await iterator.next(), let socketAddress = await socketIterator.next(),
                let store = opened.withLockedValue({ $0 })
            else {
                throw DidNotStart()
            }
            let outcome: Result<Void, any Error>
            do {
                try await body(
                    RunningAPI(
                        address: "\(address)", socketAddress: "\(socketAddress)", sessions: sessions,
                        admission: admission, waits: waits, redis: redis,
                        store: store, time: time, group: group))
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try outcome.get()
        }
    }
}

extension Authentication {
    /// - Parameter authenticator: nil: nothing is authenticated.
    init(_ authenticator: (any Authenticator)?) { self = authenticator.map { .required($0) } ?? .none }
}
