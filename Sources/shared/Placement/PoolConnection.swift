import Domain
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Redis
import Store

/// The connections to one Redis that holds queues, opened as a store when it is first needed.
final class PoolConnection: Sendable {
    private let control: Store
    private let redis: RedisPool?
    private let logger: Logger
    private let opened: NIOLockedValueBox<Store?>

    /// The default store, which is open already and belongs to somebody else.
    init(control: Store) {
        self.control = control
        self.redis = nil
        self.logger = Logger(label: "pools")
        self.opened = NIOLockedValueBox(control)
    }

    init(to target: RedisURL, control: Store, _ settings: PoolDirectory.Settings) {
        self.control = control
        self.redis = RedisPool(
            endpoint: target.endpoint, connections: settings.connections,
            deadline: target.deadline ?? settings.deadline, eventLoopGroup: settings.eventLoopGroup,
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
            // Several who open at once do the same thing, and each of them is right.
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

/// A Redis under the names it has in one version of the pools.
final class PoolSeat: Sendable {
    let link: PoolLink
    let connection: PoolConnection
    private let control: Store
    private let entering: NIOLockedValueBox<Store?>

    init(_ link: PoolLink, _ connection: PoolConnection, control: Store) {
        self.link = link
        self.connection = connection
        self.control = control
        self.entering = NIOLockedValueBox(nil)
    }

    /// The store; queues that are made there have to be entered before.
    func store() async throws(StoreError) -> Store {
        if let store = self.entering.withLockedValue({ $0 }), store.isCurrent { return store }
        let store = try await self.connection.store().entering(
            in: self.control, as: self.link.homes, by: .never)
        self.entering.withLockedValue { $0 = store }
        return store
    }
}
