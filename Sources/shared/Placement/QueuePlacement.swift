package import Domain
package import Store

/// What a caller requires of the pool of a queue that is to be created.
package struct PlacementRequest: Sendable, Equatable {
    package var flavor: FlavorName?
    /// The queue its dead letters go to, which lives, or will live, on the same pool.
    package var deadLetters: QueueName?

    package init(flavor: FlavorName? = nil, deadLetters: QueueName? = nil) {
        self.flavor = flavor
        self.deadLetters = deadLetters
    }
}

/// The store that a queue lives on.
package struct QueuePlacement: Sendable {
    package let store: Store
    /// nil: the default store.
    package let pool: PoolName?
}

extension PoolDirectory {
    /// Attempts at one decision while pools and queues change.
    private static let attemptsMax = 16

    /// The store of a queue with everything that belongs to it; of a queue that does not exist, a store that has none of it.
    package func store(of queue: QueueAddress) async throws(StoreError) -> Store {
        let table = self.table
        guard table.hasPools else { return table.control }
        if let pool = self.cache.pool(of: queue), let connected = table.connected[pool] {
            return try await connected.store()
        }
        return try await self.placement(of: queue)?.store ?? self.table.control
    }

    /// The store of a pool, nil for the default one, which registers no queue: for checks of the pool.
    ///
    /// - Throws: ``StoreError/misplaced`` when there is no such pool any more.
    package func unregistered(_ pool: PoolName?) async throws(StoreError) -> Store {
        let table = self.table
        guard let connected = table.connected[pool] else { throw .misplaced }
        return try await connected.store().registering(in: table.control, as: [], by: nil)
    }

    /// Where a queue lives by the directory of queues; nil when it does not exist.
    package func placement(of queue: QueueAddress) async throws(StoreError) -> QueuePlacement? {
        for _ in 0..<Self.attemptsMax {
            guard case .at(let pool)? = try await self.defaultStore.directory.locate([queue]).first else { return nil }
            if let connected = self.table.connected[pool] {
                self.cache.insert(queue, at: pool)
                return QueuePlacement(store: try await connected.store(), pool: pool)
            }
            // A pool that this process does not know yet.
            try await self.refresh()
        }
        throw .contended
    }

    /// Deletes a queue with its messages, and unregisters it.
    package func delete(_ queue: QueueAddress) async throws(StoreError) {
        guard self.table.hasPools else { return try await self.table.control.queues.delete(queue) }
        for _ in 0..<Self.attemptsMax {
            // Not from the cache: a queue that was created again elsewhere must not survive.
            let placement = try await self.placement(of: queue)
            try await (placement?.store ?? self.table.control).queues.delete(queue)
            self.cache.remove(queue)
            // One that moved meanwhile is registered at another pool, which is to forget it too.
            guard let placement, case .at(let pool)? = try await self.defaultStore.directory.locate([queue]).first,
                pool != placement.pool
            else { return }
        }
        throw .contended
    }

    /// Does what may create a queue, on its store: where it lives, or will live if it did not exist.
    ///
    /// While there are no pools that is the default store.
    ///
    /// - Parameters:
    ///   - queuesMax: Most queues of the project that it may create one for; 0: however many.
    ///   - body: Called again, elsewhere, when the queue turns out to live there. It has done nothing then.
    /// - Throws: ``Refusal/limitReached(_:max:)``; ``Refusal/requestInvalid(_:)`` when there is no such flavor, or no pool of it is to be had; also when the
    ///   dead letters would have to move between pools.
    package func making<Result>(
        _ queue: QueueAddress, _ request: PlacementRequest = PlacementRequest(), queuesMax: Int = 0,
        _ body: (QueuePlacement) async throws -> Result
    ) async throws -> Result {
        for _ in 0..<Self.attemptsMax {
            var placement = try await self.cachedPlacement(queue, request)
            if placement == nil { placement = try await self.decidePlacement(queue, request, queuesMax) }
            guard var placement else {
                try await self.refresh()
                continue
            }
            if queuesMax > 0 {
                placement = QueuePlacement(store: placement.store.limited(toQueues: queuesMax), pool: placement.pool)
            }
            do {
                return try await body(placement)
            } catch StoreError.misplaced {
                self.cache.remove(queue)
                try await self.refresh()
            }
        }
        throw StoreError.contended
    }

    /// The placement by the cache, where that is enough.
    private func cachedPlacement(_ queue: QueueAddress, _ request: PlacementRequest) async throws(StoreError)
        -> QueuePlacement?
    {
        guard request == PlacementRequest() else { return nil }
        let table = self.table
        guard table.hasPools else { return QueuePlacement(store: table.control, pool: nil) }
        guard let pool = self.cache.pool(of: queue), let connected = table.connected[pool] else { return nil }
        return QueuePlacement(store: try await connected.store(), pool: pool)
    }

    /// Registers the queue, unless it is.
    ///
    /// - Returns: nil when the pools are others than this process knew.
    private func decidePlacement(
        _ queue: QueueAddress, _ request: PlacementRequest, _ queuesMax: Int
    ) async throws -> QueuePlacement? {
        let table = self.table
        guard table.hasPools else {
            guard try await self.keepsDeadLetters(request, of: queue, at: nil, table) else { return nil }
            return QueuePlacement(store: table.control, pool: nil)
        }
        if let flavor = request.flavor {
            guard table.snapshot.flavors[FlavorAddress(project: queue.project, name: flavor)] != nil else {
                throw Refusal.requestInvalid("There is no flavor \(flavor).")
            }
        }
        var queues = [queue]
        if let target = request.deadLetters { queues.append(QueueAddress(project: queue.project, name: target)) }
        let locations = try await table.control.directory.locate(queues)
        let pool: PoolName?
        if case .at(let known)? = locations.first {
            pool = known
        } else {
            let choice = try self.choice(table, request, locations)
            let registration = try await table.control.directory.register(
                queue, at: choice, by: table.snapshot.version, queuesMax: queuesMax)
            if registration == .full { throw Refusal.limitReached(.queues, max: queuesMax) }
            guard case .at(let registered) = registration else { return nil }
            pool = registered
        }
        guard let connected = table.connected[pool],
            try await self.keepsDeadLetters(request, of: queue, at: pool, table)
        else { return nil }
        self.cache.insert(queue, at: pool)
        return QueuePlacement(store: try await connected.store(), pool: pool)
    }

    private func choice(
        _ table: Table, _ request: PlacementRequest, _ locations: [QueueLocation]
    ) throws(Refusal) -> PoolName? {
        let candidates = table.snapshot.candidates(for: request.flavor)
        // A queue that was named for dead letters is created on the pool they come from.
        if case .reserved(let reserved)? = locations.first {
            if let flavor = request.flavor, !candidates.contains(where: { $0.name == reserved }) {
                throw .requestInvalid("The queue takes dead letters from another pool than those of \(flavor).")
            }
            return reserved
        }
        switch locations.dropFirst().first {
        case .at(let target)?, .reserved(let target)?:
            guard candidates.contains(where: { $0.name == target }) else { throw Self.otherPool }
            return target
        case .absent?, nil: break
        }
        let drawn = WeightedChoice.draw(from: candidates, weight: \.weight, using: self.settings.random)
        if drawn == nil, let flavor = request.flavor {
            throw .requestInvalid("No pool of the flavor \(flavor) takes new queues.")
        }
        return drawn?.name
    }

    private static let otherPool = Refusal.requestInvalid(
        "The dead-letter queue lives on another pool, and messages do not move between pools.")

    /// Reserves the name of the target of dead letters for the pool of their source.
    ///
    /// - Returns: false when the pools are others than this process knew.
    private func keepsDeadLetters(
        _ request: PlacementRequest, of queue: QueueAddress, at pool: PoolName?, _ table: Table
    ) async throws -> Bool {
        guard let target = request.deadLetters else { return true }
        let address = QueueAddress(project: queue.project, name: target)
        switch try await table.control.directory.reserve(
            address, for: queue, at: pool, by: table.snapshot.version)
        {
        case .kept: return true
        case .elsewhere: throw Self.otherPool
        case .stale: return false
        }
    }
}
