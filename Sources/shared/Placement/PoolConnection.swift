import Domain
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Redis
import Store

/// The connections to one Redis that holds queues, opened as a store when it is first needed.
final class PoolConnection: Sendable {
    private let control: Store
    private let redis: RedisClient?
    private let logger: Logger
    private let opened: NIOLockedValueBox<Store?>

    /// The default store, which is open already and is shut down by its owner.
    init(control: Store) {
        self.control = control
        self.redis = nil
        self.logger = Logger(label: "pools")
        self.opened = NIOLockedValueBox(control)
    }

    init(to url: RedisURL, control: Store, _ settings: PoolDirectory.Settings) {
        self.control = control
        self.redis = RedisClient(
            url: url, tls: settings.tls, connections: settings.connections, deadline: settings.deadline,
            reach: control.reach, eventLoopGroup: settings.eventLoopGroup,
            logger: settings.logger)
        self.logger = settings.logger
        self.opened = NIOLockedValueBox(nil)
    }

    /// Opens the store when it is not open, and again when its Redis was found empty or to be another one.
    ///
    /// - Throws: ``StoreError/unavailable(_:)`` while the Redis is away.
    func store() async throws(StoreError) -> Store {
        guard let redis = self.redis else { return self.control }
        if let store = self.opened.withLockedValue({ $0 }), store.isCurrent { return store }
        do throws(StoreOpeningError) {
            // Concurrent callers open the same store; each result is valid.
            let store = try await self.control.open(on: redis, logger: self.logger)
            self.opened.withLockedValue { $0 = store }
            return store
        } catch {
            if case .unavailable(let reason) = error { throw reason }
            self.logger.error("A pool cannot be used", metadata: ["error": "\(error)"])
            throw .corrupt("\(error)")
        }
    }

    func shutDown() async {
        await self.redis?.shutDown()
    }
}

/// The connection to an endpoint, and the store that registers its queues for the pools of that endpoint.
final class ConnectedPool: Sendable {
    let endpoint: PoolEndpoint
    let connection: PoolConnection
    private let control: Store
    private let relocation: any QueueRelocation
    private let registering: NIOLockedValueBox<Store?>

    init(
        _ endpoint: PoolEndpoint, _ connection: PoolConnection, control: Store, relocation: any QueueRelocation
    ) {
        self.endpoint = endpoint
        self.connection = connection
        self.control = control
        self.relocation = relocation
        self.registering = NIOLockedValueBox(nil)
    }

    /// The store; queues that are created there have to be registered before.
    func store() async throws(StoreError) -> Store {
        if let store = self.registering.withLockedValue({ $0 }), store.isCurrent { return store }
        let store = try await self.connection.store().registering(
            in: self.control, as: self.endpoint.pools, by: .never, relocation: self.relocation)
        self.registering.withLockedValue { $0 = store }
        return store
    }
}
