package import Domain
package import Store

/// What a caller wants of the place of a queue that is to be made.
package struct PlaceWish: Sendable, Equatable {
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
        _ queue: QueueAddress, _ wish: PlaceWish = PlaceWish(), _ body: (Place) async throws -> Result
    ) async throws -> Result {
        for _ in 0..<Self.attemptsMax {
            var place = try await self.known(queue, wish)
            if place == nil { place = try await self.decided(queue, wish) }
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
    private func known(_ queue: QueueAddress, _ wish: PlaceWish) async throws(StoreError) -> Place? {
        guard wish == PlaceWish() else { return nil }
        let table = self.table
        guard table.hasPools else { return Place(store: table.control, pool: nil) }
        guard let pool = self.memory.pool(of: queue), let seat = table.seats[pool] else { return nil }
        return Place(store: try await seat.store(), pool: pool)
    }

    /// - Returns: nil when the pools are others than this process knew.
    private func decided(_ queue: QueueAddress, _ wish: PlaceWish) async throws -> Place? {
        let table = self.table
        guard table.hasPools else {
            guard try await self.keepsDeadLetters(wish, of: queue, at: nil, table) else { return nil }
            return Place(store: table.control, pool: nil)
        }
        if let flavor = wish.flavor {
            guard table.snapshot.flavors[FlavorAddress(project: queue.project, name: flavor)] != nil else {
                throw Refusal.requestInvalid("There is no flavor \(flavor).")
            }
        }
        var queues = [queue]
        if let target = wish.deadLetters { queues.append(QueueAddress(project: queue.project, name: target)) }
        let spots = try await table.control.pools.locate(queues)
        let pool: PoolName?
        if case .at(let known)? = spots.first {
            pool = known
        } else {
            let choice = try self.choice(table, wish, spots)
            let entry = try await table.control.pools.enter(queue, at: choice, by: table.snapshot.version)
            guard case .at(let entered) = entry else { return nil }
            pool = entered
        }
        guard let seat = table.seats[pool], try await self.keepsDeadLetters(wish, of: queue, at: pool, table) else {
            return nil
        }
        self.memory.remember(queue, at: pool)
        return Place(store: try await seat.store(), pool: pool)
    }

    private func choice(_ table: Table, _ wish: PlaceWish, _ spots: [QueueSpot]) throws(Refusal) -> PoolName? {
        let candidates = table.snapshot.candidates(for: wish.flavor)
        // A queue that was named for dead letters is made where they come from.
        if case .reserved(let kept)? = spots.first {
            if let flavor = wish.flavor, !candidates.contains(where: { $0.name == kept }) {
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
        if drawn == nil, let flavor = wish.flavor {
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
        _ wish: PlaceWish, of queue: QueueAddress, at pool: PoolName?, _ table: Table
    ) async throws -> Bool {
        guard let target = wish.deadLetters else { return true }
        let address = QueueAddress(project: queue.project, name: target)
        switch try await table.control.pools.reserve(address, at: pool, by: table.snapshot.version) {
        case .kept: return true
        case .elsewhere: throw Self.otherPool
        case .stale: return false
        }
    }
}
