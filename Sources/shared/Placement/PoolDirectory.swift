import Domain
package import Logging
import NIOConcurrencyHelpers
package import NIOCore
package import Redis
import ServiceLifecycle
package import Store

/// Where each queue lives.
///
/// Ask it once for an operation, and do the whole operation on the store it names. While no pool is registered that is
/// the default store, and the answer costs nothing.
///
/// It learns of changes from ``PoolWatch``, and at once when the register knows better.
package final class PoolDirectory: Service, Sendable {
    package struct Settings: Sendable {
        /// Connections to each pool.
        package var connections: Int
        /// From a command to its reply, where the URI of a pool says nothing.
        package var deadline: Duration
        package var eventLoopGroup: any EventLoopGroup
        package var logger: Logger
        /// Draws a number of a range, for the choice of a pool.
        package var random: @Sendable (Range<Int>) -> Int

        package init(
            connections: Int = 2, deadline: Duration = RedisLimits.deadline, eventLoopGroup: any EventLoopGroup,
            logger: Logger, random: @escaping @Sendable (Range<Int>) -> Int = { Int.random(in: $0) }
        ) {
            self.connections = connections
            self.deadline = deadline
            self.eventLoopGroup = eventLoopGroup
            self.logger = logger
            self.random = random
        }
    }

    /// The pools of one version, and where each of them is.
    ///
    /// An object, since every operation takes hold of it.
    final class Table: Sendable {
        let snapshot: PoolSnapshot
        let seats: [PoolName?: PoolSeat]
        /// The default store; queues are made there without a choice as long as there are no pools.
        let control: Store

        init(snapshot: PoolSnapshot, seats: [PoolName?: PoolSeat], control: Store) {
            self.snapshot = snapshot
            self.seats = seats
            self.control = control
        }

        var hasPools: Bool { !self.snapshot.pools.isEmpty }
    }

    private struct State {
        var table: Table
        var connections: [RedisURI: PoolConnection]
        /// No longer of any use, but perhaps of somebody who still is at work there.
        var retired: [PoolConnection] = []
    }

    /// How long work that began on a pool may go on after the pool was removed.
    private static let farewell = Duration.seconds(5)

    package let watch: PoolWatch
    let memory = PlaceMemory()
    let settings: Settings
    private let control: Store
    private let endpoint: RedisURI
    private let state: NIOLockedValueBox<State>

    /// Reads the pools.
    ///
    /// - Parameters:
    ///   - control: The control store, which is also the default store.
    ///   - endpoint: Where it is.
    package static func open(
        control: Store, endpoint: RedisURI, _ settings: Settings
    ) async throws(StoreError) -> PoolDirectory {
        PoolDirectory(
            control: control, endpoint: endpoint,
            watch: try await PoolWatch.open(control: control, endpoint: endpoint, logger: settings.logger), settings)
    }

    private init(control: Store, endpoint: RedisURI, watch: PoolWatch, _ settings: Settings) {
        self.watch = watch
        self.settings = settings
        self.control = control
        self.endpoint = endpoint
        let connections = [endpoint: PoolConnection(control: control)]
        self.state = NIOLockedValueBox(
            State(
                table: Table(snapshot: PoolSnapshot(version: .never), seats: [:], control: control),
                connections: connections))
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

    private func adopt(_ snapshot: PoolSnapshot) {
        self.state.withLockedValue { state in
            guard state.table.snapshot != snapshot else { return }
            var connections: [RedisURI: PoolConnection] = [:]
            var seats: [PoolName?: PoolSeat] = [:]
            for link in PoolLinks(snapshot, default: self.endpoint).links {
                let connection =
                    state.connections.removeValue(forKey: link.target)
                    ?? PoolConnection(to: link.target, control: self.control, self.settings)
                connections[link.target] = connection
                let seat = PoolSeat(link, connection, control: self.control)
                for home in link.homes { seats[home] = seat }
            }
            state.retired += state.connections.values
            state.connections = connections
            let isAlone = snapshot.pools.isEmpty
            state.table = Table(
                snapshot: snapshot, seats: seats,
                control: self.control.entering(
                    in: self.control, as: [nil], by: isAlone ? snapshot.version : .never))
        }
    }

    /// Follows the pools until graceful shutdown or cancellation, and then lets go of all of them.
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
                        try? await Task.sleep(for: Self.farewell)
                        await self.letGo(of: retired)
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

    private func letGo(of connections: [PoolConnection]) async {
        for connection in connections {
            await connection.shutDown()
            self.state.withLockedValue { state in state.retired.removeAll { $0 === connection } }
        }
    }
}
