package import Domain
package import Logging
import NIOConcurrencyHelpers
package import NIOCore
package import Redis
import ServiceLifecycle
package import Store
package import TLS

/// The stores of all queues: which pools there are, the connections to them, and the store that a queue lives on.
///
/// Ask it once for an operation, and do the whole operation on the store it names. While no pool is registered that is
/// the default store, and the answer costs nothing.
///
/// It learns of changes from ``PoolWatch``, and at once when the directory of queues names a pool it does not know.
package final class PoolDirectory: Service, Sendable {
    package struct Settings: Sendable {
        /// Connections to each pool.
        package var connections: Int
        /// From a command to its reply, where the URI of a pool says nothing.
        package var deadline: Duration
        /// What connections are encrypted with where the URI of a pool says so; nil: the authorities of the system are believed.
        package var tls: TLSContextHolder?
        package var eventLoopGroup: any EventLoopGroup
        package var logger: Logger
        /// Draws a number of a range, for the choice of a pool.
        package var random: @Sendable (Range<Int>) -> Int

        package init(
            connections: Int = 2, deadline: Duration = RedisLimits.deadline, tls: TLSContextHolder? = nil,
            eventLoopGroup: any EventLoopGroup,
            logger: Logger, random: @escaping @Sendable (Range<Int>) -> Int = { Int.random(in: $0) }
        ) {
            self.connections = connections
            self.tls = tls
            self.deadline = deadline
            self.eventLoopGroup = eventLoopGroup
            self.logger = logger
            self.random = random
        }
    }

    /// The pools of one version, with their connections.
    ///
    /// An object, because every operation retains it.
    final class Table: Sendable {
        let snapshot: PoolSnapshot
        let connected: [PoolName?: ConnectedPool]
        /// The default store; queues are created there without a choice as long as there are no pools.
        let control: Store

        init(snapshot: PoolSnapshot, connected: [PoolName?: ConnectedPool], control: Store) {
            self.snapshot = snapshot
            self.connected = connected
            self.control = control
        }

        var hasPools: Bool { !self.snapshot.pools.isEmpty }
    }

    private struct State {
        var table: Table
        var connections: [RedisURL: PoolConnection]
        /// Of pools that were removed; operations that began before may still use them.
        var retired: [PoolConnection] = []
    }

    /// How long work that began on a pool may go on after the pool was removed.
    private static let retirementDelay = Duration.seconds(5)

    package let watch: PoolWatch
    let cache = LocationCache()
    let settings: Settings
    private let control: Store
    private let url: RedisURL
    private let state: NIOLockedValueBox<State>
    private let relocation = MovedQueues()

    /// Reads the pools.
    ///
    /// - Parameters:
    ///   - control: The control store, which is also the default store.
    ///   - url: Where it is.
    package static func open(
        control: Store, url: RedisURL, _ settings: Settings
    ) async throws(StoreError) -> PoolDirectory {
        PoolDirectory(
            control: control, url: url,
            watch: try await PoolWatch.open(control: control, url: url, logger: settings.logger), settings)
    }

    private init(control: Store, url: RedisURL, watch: PoolWatch, _ settings: Settings) {
        self.watch = watch
        self.settings = settings
        self.control = control
        self.url = url
        let connections = [url: PoolConnection(control: control)]
        self.state = NIOLockedValueBox(
            State(
                table: Table(snapshot: PoolSnapshot(version: .never), connected: [:], control: control),
                connections: connections))
        self.relocation.directory = self
        self.adopt(watch.snapshot)
    }

    var table: Table { self.state.withLockedValue { $0.table } }

    /// All pools and flavors, as this process last saw them.
    package var snapshot: PoolSnapshot { self.table.snapshot }

    /// The control store: of the lists of queues, the pools, and the queues of no pool.
    package var defaultStore: Store { self.table.control }

    /// Reads the pools anew, if they have changed.
    package func refresh() async throws(StoreError) {
        try await self.watch.refresh()
        self.adopt(self.watch.snapshot)
    }

    /// Raises the format of the control store, if every registered process understands the new one, and then that of each
    /// pool's.
    ///
    /// - Throws: Also when a pool cannot be reached: raise it again, nothing is lost by that.
    package func raiseFormat(to format: Int) async throws(StoreError) -> ProcessRegistry.FormatRaise {
        let raised = try await self.control.processes.raiseFormat(to: format)
        if case .refused = raised { return raised }
        for connection in self.state.withLockedValue({ Array($0.connections.values) }) {
            _ = try await connection.store().processes.raiseFormat(to: format)
        }
        return raised
    }

    /// Finds a living subscription by its id alone, in whichever pool; nil when there is none.
    ///
    /// - Throws: Also when a pool cannot be reached that may have it.
    package func findSubscription(
        _ id: SubscriptionID
    ) async throws(StoreError) -> (queue: QueueAddress, subscription: Subscription)? {
        var failure: StoreError?
        for connection in self.state.withLockedValue({ Array($0.connections.values) }) {
            do throws(StoreError) {
                if let found = try await connection.store().subscriptions.find(id) { return found }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return nil
    }

    /// What a project has in each pool, by the Redis of it; nil for one that does not say.
    package func usage(of project: ProjectID) async -> [RedisURL: StoredUsage?] {
        let connections = self.state.withLockedValue { $0.connections }
        return await withTaskGroup(of: (RedisURL, StoredUsage?).self) { group in
            for (url, connection) in connections {
                group.addTask {
                    do throws(StoreError) { return (url, try await connection.store().usage(of: project)) } catch {
                        return (url, nil)
                    }
                }
            }
            return await group.reduce(into: [:]) { $0.updateValue($1.1, forKey: $1.0) }
        }
    }

    private func adopt(_ snapshot: PoolSnapshot) {
        self.state.withLockedValue { state in
            guard state.table.snapshot != snapshot else { return }
            var connections: [RedisURL: PoolConnection] = [:]
            var connected: [PoolName?: ConnectedPool] = [:]
            for endpoint in PoolEndpoints(snapshot, default: self.url).endpoints {
                let connection =
                    state.connections.removeValue(forKey: endpoint.url)
                    ?? PoolConnection(to: endpoint.url, control: self.control, self.settings)
                connections[endpoint.url] = connection
                let member = ConnectedPool(
                    endpoint, connection, control: self.control, relocation: self.relocation)
                for pool in endpoint.pools { connected[pool] = member }
            }
            state.retired += state.connections.values
            state.connections = connections
            let hasNoPools = snapshot.pools.isEmpty
            state.table = Table(
                snapshot: snapshot, connected: connected,
                control: self.control.registering(
                    in: self.control, as: [nil], by: hasNoPools ? snapshot.version : .never,
                    relocation: self.relocation))
        }
    }

    /// Follows the pools until graceful shutdown or cancellation, and then shuts down all connections.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.watch.run() }
            group.addTask {
                for await _ in self.watch.changes() { self.adopt(self.watch.snapshot) }
            }
            group.addTask {
                await cancelWhenGracefulShutdown {
                    while !Task.isCancelled {
                        let retired = self.state.withLockedValue { $0.retired }
                        // Cancelled while sleeping: the loop's condition sees it.
                        try? await Task.sleep(for: Self.retirementDelay)
                        await self.shutDown(retired)
                    }
                }
            }
            try await group.waitForAll()
        }
        let rest = self.state.withLockedValue { state in
            let rest = state.retired + state.connections.values
            state.retired = []
            return rest
        }
        for connection in rest { await connection.shutDown() }
    }

    private func shutDown(_ connections: [PoolConnection]) async {
        for connection in connections {
            await connection.shutDown()
            self.state.withLockedValue { state in state.retired.removeAll { $0 === connection } }
        }
    }
}

extension PoolDirectory {
    /// Queues of a project in byte order of their names, behind `after`; `limit` of them unless the list ends before.
    ///
    /// - Throws: ``StoreError/unavailable(_:)`` also when only the pool of one of them is away: a page without it would
    ///   look like a page of all.
    package func queues(
        of project: ProjectID, after: String?, limit: Int
    ) async throws(StoreError) -> [QueueListing] {
        let table = self.table
        return try await table.control.directory.list(of: project, after: after, limit: limit) {
            (queues: [QueueAddress]) async throws(StoreError) -> [[UInt8]?] in
            guard table.hasPools else { return try await table.control.queues.metadata(of: queues) }
            return try await self.metadata(of: queues)
        }
    }

    /// The metadata of queues of one project, in their order; nil for a queue that is not there.
    private func metadata(of queues: [QueueAddress]) async throws(StoreError) -> [[UInt8]?] {
        var found: [ObjectIdentifier: (connected: ConnectedPool, indices: [Int])] = [:]
        for (index, location) in try await self.defaultStore.directory.locate(queues).enumerated() {
            guard case .at(let pool) = location else { continue }
            if self.table.connected[pool] == nil { try await self.refresh() }
            guard let connected = self.table.connected[pool] else { continue }
            found[ObjectIdentifier(connected.connection), default: (connected, [])].indices.append(index)
        }
        let parts = await withTaskGroup(of: Result<[(Int, [UInt8]?)], StoreError>.self) { group in
            for (connected, indices) in found.values {
                group.addTask {
                    do throws(StoreError) {
                        let metadata = try await connected.store().queues.metadata(of: indices.map { queues[$0] })
                        return .success(Array(zip(indices, metadata)))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var metadata: [[UInt8]?] = Array(repeating: nil, count: queues.count)
        for part in parts {
            for (index, bytes) in try part.get() { metadata[index] = bytes }
        }
        return metadata
    }
}

extension PoolDirectory {
    /// Changes pools and flavors, all or nothing, also against changes of other processes at the same time.
    ///
    /// - Parameters:
    ///   - unused: A pool that must have no queues.
    ///   - rule: What to change; called again when another process was faster, so it must not keep state. Nothing to
    ///     change is no error.
    /// - Throws: ``Refusal/deletionRefused(_:)`` when the pool has queues, and what `rule` throws.
    package func change(
        unused: PoolName? = nil, _ rule: (PoolSnapshot) throws(Refusal) -> [PoolChange]
    ) async throws {
        try await Contention.retry {
            let snapshot = try await self.defaultStore.pools.snapshot()
            let changes = try rule(snapshot)
            guard !changes.isEmpty else { return () }
            switch try await self.defaultStore.pools.commit(changes, from: snapshot.version, unused: unused) {
            case .done: return try await self.refresh()
            case .stale: return nil
            case .used(let queues):
                throw Refusal.deletionRefused(
                    "The pool has \(queues) queues, which would be lost to view; ?force=true removes it all the same.")
            }
        }
    }
}
