package import Domain
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
    private final class Table: Sendable {
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
        var connections: [RedisURL: PoolConnection]
        /// No longer of any use, but perhaps of somebody who still is at work there.
        var retired: [PoolConnection] = []
    }

    /// How long work that began on a pool may go on after the pool was removed.
    private static let retirementDelay = Duration.seconds(5)

    package let watch: PoolWatch
    private let memory = LocationCache()
    let settings: Settings
    private let control: Store
    private let endpoint: RedisURL
    private let state: NIOLockedValueBox<State>

    /// Reads the pools.
    ///
    /// - Parameters:
    ///   - control: The control store, which is also the default store.
    ///   - endpoint: Where it is.
    package static func open(
        control: Store, endpoint: RedisURL, _ settings: Settings
    ) async throws(StoreError) -> PoolDirectory {
        PoolDirectory(
            control: control, endpoint: endpoint,
            watch: try await PoolWatch.open(control: control, endpoint: endpoint, logger: settings.logger), settings)
    }

    private init(control: Store, endpoint: RedisURL, watch: PoolWatch, _ settings: Settings) {
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

    private var table: Table { self.state.withLockedValue { $0.table } }

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
            var connections: [RedisURL: PoolConnection] = [:]
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

/// What a caller wants of the place of a queue that is to be made.
package struct PlacementRequest: Sendable, Equatable {
    package var flavor: FlavorName?
    /// The queue its dead letters go to, which lives, or will live, on the same pool.
    package var deadLetters: QueueName?

    package init(flavor: FlavorName? = nil, deadLetters: QueueName? = nil) {
        self.flavor = flavor
        self.deadLetters = deadLetters
    }
}

/// Where a queue lives.
package struct Place: Sendable {
    package let store: Store
    /// nil: the default store.
    package let pool: PoolName?
}

extension PoolDirectory {
    /// Attempts of one decision while pools and queues change.
    private static let attemptsMax = 16

    /// The store of a queue with everything that belongs to it; of one that is nowhere, a store that has none of it.
    package func store(of queue: QueueAddress) async throws(StoreError) -> Store {
        let table = self.table
        guard table.hasPools else { return table.control }
        if let pool = self.memory.pool(of: queue), let seat = table.seats[pool] { return try await seat.store() }
        return try await self.place(of: queue)?.store ?? self.table.control
    }

    /// The store of a pool, nil for the default one, which enters no queue that is made there: for a look at the pool.
    ///
    /// - Throws: ``StoreError/misplaced`` when there is no such pool any more.
    package func unregistered(_ pool: PoolName?) async throws(StoreError) -> Store {
        let table = self.table
        guard let seat = table.seats[pool] else { throw .misplaced }
        return try await seat.store().entering(in: table.control, as: [], by: nil)
    }

    /// Where a queue lives by the register; nil when it is nowhere.
    package func place(of queue: QueueAddress) async throws(StoreError) -> Place? {
        for _ in 0..<Self.attemptsMax {
            guard case .at(let pool)? = try await self.defaultStore.pools.locate([queue]).first else { return nil }
            if let seat = self.table.seats[pool] {
                self.memory.remember(queue, at: pool)
                return Place(store: try await seat.store(), pool: pool)
            }
            // A pool this process has not heard of.
            try await self.refresh()
        }
        throw .contended
    }

    /// Ends a queue with its messages, and its place with it.
    package func delete(_ queue: QueueAddress) async throws(StoreError) {
        var store = self.table.control
        // Asked of the register and not remembered: a queue that was made anew elsewhere must not survive.
        if self.table.hasPools, let place = try await self.place(of: queue) { store = place.store }
        try await store.queues.delete(queue)
        self.memory.forget(queue)
    }

    /// Does what may make a queue, at the place of the queue: where it lives, or from now on if it lived nowhere.
    ///
    /// While there are no pools that is the default store.
    ///
    /// - Parameter body: Called again, elsewhere, when the queue turns out to live there. It has done nothing then.
    /// - Throws: ``Refusal/requestInvalid(_:)`` when there is no such flavor, or no pool of it is to be had; also when the
    ///   dead letters would have to move between pools.
    package func making<Result>(
        _ queue: QueueAddress, _ request: PlacementRequest = PlacementRequest(), _ body: (Place) async throws -> Result
    ) async throws -> Result {
        for _ in 0..<Self.attemptsMax {
            var place = try await self.known(queue, request)
            if place == nil { place = try await self.decided(queue, request) }
            guard let place else {
                try await self.refresh()
                continue
            }
            do {
                return try await body(place)
            } catch StoreError.misplaced {
                self.memory.forget(queue)
                try await self.refresh()
            }
        }
        throw StoreError.contended
    }

    /// What this process remembers, where that is enough.
    private func known(_ queue: QueueAddress, _ request: PlacementRequest) async throws(StoreError) -> Place? {
        guard request == PlacementRequest() else { return nil }
        let table = self.table
        guard table.hasPools else { return Place(store: table.control, pool: nil) }
        guard let pool = self.memory.pool(of: queue), let seat = table.seats[pool] else { return nil }
        return Place(store: try await seat.store(), pool: pool)
    }

    /// - Returns: nil when the pools are others than this process knew.
    private func decided(_ queue: QueueAddress, _ request: PlacementRequest) async throws -> Place? {
        let table = self.table
        guard table.hasPools else {
            guard try await self.keepsDeadLetters(request, of: queue, at: nil, table) else { return nil }
            return Place(store: table.control, pool: nil)
        }
        if let flavor = request.flavor {
            guard table.snapshot.flavors[FlavorAddress(project: queue.project, name: flavor)] != nil else {
                throw Refusal.requestInvalid("There is no flavor \(flavor).")
            }
        }
        var queues = [queue]
        if let target = request.deadLetters { queues.append(QueueAddress(project: queue.project, name: target)) }
        let spots = try await table.control.pools.locate(queues)
        let pool: PoolName?
        if case .at(let known)? = spots.first {
            pool = known
        } else {
            let choice = try self.choice(table, request, spots)
            let entry = try await table.control.pools.enter(queue, at: choice, by: table.snapshot.version)
            guard case .at(let entered) = entry else { return nil }
            pool = entered
        }
        guard let seat = table.seats[pool], try await self.keepsDeadLetters(request, of: queue, at: pool, table) else {
            return nil
        }
        self.memory.remember(queue, at: pool)
        return Place(store: try await seat.store(), pool: pool)
    }

    private func choice(_ table: Table, _ request: PlacementRequest, _ spots: [QueueSpot]) throws(Refusal) -> PoolName?
    {
        let candidates = table.snapshot.candidates(for: request.flavor)
        // A queue that was named for dead letters is made where they come from.
        if case .reserved(let kept)? = spots.first {
            if let flavor = request.flavor, !candidates.contains(where: { $0.name == kept }) {
                throw .requestInvalid("The queue takes dead letters from another pool than those of \(flavor).")
            }
            return kept
        }
        switch spots.dropFirst().first {
        case .at(let target)?, .reserved(let target)?:
            guard candidates.contains(where: { $0.name == target }) else { throw Self.otherPool }
            return target
        case .nowhere?, nil: break
        }
        let drawn = WeightedChoice.draw(from: candidates, weight: \.weight, using: self.settings.random)
        if drawn == nil, let flavor = request.flavor {
            throw .requestInvalid("No pool of the flavor \(flavor) takes new queues.")
        }
        return drawn?.name
    }

    private static let otherPool = Refusal.requestInvalid(
        "The dead-letter queue lives on another pool, and messages do not move between pools.")

    /// Sees to it that the dead letters of a queue find their target on its pool.
    ///
    /// - Returns: false when the pools are others than this process knew.
    private func keepsDeadLetters(
        _ request: PlacementRequest, of queue: QueueAddress, at pool: PoolName?, _ table: Table
    ) async throws -> Bool {
        guard let target = request.deadLetters else { return true }
        let address = QueueAddress(project: queue.project, name: target)
        switch try await table.control.pools.reserve(address, at: pool, by: table.snapshot.version) {
        case .kept: return true
        case .elsewhere: throw Self.otherPool
        case .stale: return false
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
        guard table.hasPools else {
            return try await table.control.queues.list(of: project, after: after, limit: limit)
        }
        return try await table.control.queues.list(of: project, after: after, limit: limit) {
            (queues: [QueueAddress]) async throws(StoreError) -> [[UInt8]?] in
            try await self.metadata(of: queues)
        }
    }

    /// The metadata of queues of one project, in their order; nil for a queue that is not there.
    private func metadata(of queues: [QueueAddress]) async throws(StoreError) -> [[UInt8]?] {
        var places: [ObjectIdentifier: (seat: PoolSeat, indices: [Int])] = [:]
        for (index, spot) in try await self.defaultStore.pools.locate(queues).enumerated() {
            guard case .at(let pool) = spot else { continue }
            if self.table.seats[pool] == nil { try await self.refresh() }
            guard let seat = self.table.seats[pool] else { continue }
            places[ObjectIdentifier(seat.connection), default: (seat, [])].indices.append(index)
        }
        let found = await withTaskGroup(of: Result<[(Int, [UInt8]?)], StoreError>.self) { group in
            for (seat, indices) in places.values {
                group.addTask {
                    do throws(StoreError) {
                        let metadata = try await seat.store().queues.metadata(of: indices.map { queues[$0] })
                        return .success(Array(zip(indices, metadata)))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var metadata: [[UInt8]?] = Array(repeating: nil, count: queues.count)
        for part in found {
            for (index, bytes) in try part.get() { metadata[index] = bytes }
        }
        return metadata
    }
}

extension PoolDirectory {
    /// Changes pools and flavors, all or nothing, also against others who change them at the same time.
    ///
    /// - Parameters:
    ///   - unused: A pool that must have no queues.
    ///   - rule: What to change; called again when somebody was faster, so it must not remember. Nothing to change is no
    ///     error.
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
