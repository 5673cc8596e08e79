package import Domain
import Redis

/// The names of all queues by project, and which pool each queue lives on.
///
/// It lies in the control store, apart from the queues, and may name a queue that does not exist: its readers look for the
/// queue too.
///
/// A queue is registered before it is created, so that none exists unlisted, and again after it, so that a deletion that
/// came between cannot hide it.
package struct QueueDirectory: Sendable {
    /// Of the control store.
    let runner: ScriptRunner
    /// The pools that the store of this directory is, nil for the default one; the first is where a queue is registered
    /// that lives nowhere.
    ///
    /// Empty: a store that registers no queue.
    let pools: [PoolName?]
    /// The version of the pools by which a queue that lives nowhere may be registered here; nil: by any.
    let version: PoolVersion?
    /// Most queues of a project that one is registered for; 0: however many it has.
    var queuesMax = 0

    // MARK: Of the queues of one store

    /// Registers a queue that is about to be created here.
    ///
    /// - Throws: ``StoreError/misplaced`` when it lives elsewhere, or the pools are others than the caller knew;
    ///   ``Refusal/limitReached(_:max:)`` when the project has ``queuesMax`` queues.
    func register(_ queue: QueueAddress) async throws {
        guard try await self.register(queue, by: self.version, queuesMax: self.queuesMax) else {
            throw Refusal.limitReached(.queues, max: self.queuesMax)
        }
    }

    /// Registers a queue that was created here, or has to be: however many the project has.
    ///
    /// - Throws: ``StoreError/misplaced`` when it was deleted, and created elsewhere, meanwhile.
    func registerCreated(_ queue: QueueAddress) async throws(StoreError) {
        _ = try await self.register(queue, by: nil, queuesMax: 0)
    }

    /// - Returns: false when the project has so many queues.
    private func register(
        _ queue: QueueAddress, by version: PoolVersion?, queuesMax: Int
    ) async throws(StoreError) -> Bool {
        guard let pool = self.pools.first else { return true }
        switch try await self.register(queue, at: pool, by: version, keepingReservation: false, queuesMax: queuesMax) {
        case .at(let pool): guard self.pools.contains(pool) else { throw .misplaced }
        case .reserved, .stale: throw .misplaced
        case .full: return false
        }
        return true
    }

    /// Unregisters a queue that was deleted here; one that lives elsewhere stays registered.
    func unregister(_ queue: QueueAddress) async throws(StoreError) {
        guard !self.pools.isEmpty else { return }
        var call = self.runner.call(
            Scripts.queueUnregister,
            keys: [
                KeySpace.queueNames(of: queue.project), KeySpace.queuePools(of: queue.project), KeySpace.pools,
                KeySpace.poolCounts, KeySpace.projects,
            ])
        call.append(queue.name.text)
        call.append(queue.project.text)
        for pool in self.pools { call.append(pool?.text ?? "") }
        _ = try await self.runner.write(call)
    }

    // MARK: Of all queues

    /// Learns where queues of one project live, in their order.
    package func locate(_ queues: [QueueAddress]) async throws(StoreError) -> [QueueLocation] {
        guard let project = queues.first?.project else { return [] }
        var call = self.runner.call(
            Scripts.queueLocate,
            keys: [
                KeySpace.queueNames(of: project), KeySpace.queuePools(of: project), KeySpace.reservations(of: project),
                KeySpace.pools,
            ])
        for queue in queues { call.append(queue.name.text) }
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.queueLocate)
        var locations: [QueueLocation] = []
        while !reply.isAtEnd {
            var location = try reply.reader()
            switch try location.text() {
            case "at": locations.append(.at(try location.pool()))
            case "absent": locations.append(.absent)
            case "reserved": locations.append(.reserved(try location.pool()))
            case let answer: throw .corrupt("queue_locate.lua answered \(answer)")
            }
        }
        guard locations.count == queues.count else { throw .corrupt("queue_locate.lua answered of other queues") }
        return locations
    }

    /// Registers a queue at a pool that was chosen for it, unless it lives somewhere or its name is reserved for another
    /// pool.
    ///
    /// - Parameters:
    ///   - version: Of the pools the choice was made from.
    ///   - queuesMax: Most queues of the project; 0: however many.
    package func register(
        _ queue: QueueAddress, at pool: PoolName?, by version: PoolVersion, queuesMax: Int = 0
    ) async throws(StoreError) -> QueueRegistration {
        try await self.register(queue, at: pool, by: version, keepingReservation: true, queuesMax: queuesMax)
    }

    /// Reserves the name of a queue for a pool, for good: dead letters arrive on the pool of their source.
    ///
    /// - Parameters:
    ///   - source: The queue whose dead letters it is to take.
    ///   - version: Of the pools the caller knows.
    package func reserve(
        _ queue: QueueAddress, for source: QueueAddress, at pool: PoolName?, by version: PoolVersion
    ) async throws(StoreError) -> QueueReservation {
        var call = self.runner.call(
            Scripts.queueReserve,
            keys: [
                KeySpace.queueNames(of: queue.project), KeySpace.queuePools(of: queue.project),
                KeySpace.reservations(of: queue.project), KeySpace.pools, KeySpace.poolVersion, KeySpace.queueMoves,
            ])
        call.append(queue.name.text)
        call.append(pool?.text ?? "")
        call.append(String(version.number))
        call.append(queue.key)
        call.append(source.key)
        let answer = try await self.runner.run(call).text ?? ""
        guard let reservation = QueueReservation(rawValue: answer) else {
            throw .corrupt("queue_reserve.lua answered \(answer)")
        }
        return reservation
    }

    /// Decides where a queue lives, unless that is decided.
    ///
    /// - Parameters:
    ///   - version: Of the pools `pool` was chosen from; nil: `pool` is a fact.
    ///   - keepingReservation: A queue that is reserved for another pool is not registered at this one.
    private func register(
        _ queue: QueueAddress, at pool: PoolName?, by version: PoolVersion?, keepingReservation: Bool, queuesMax: Int
    ) async throws(StoreError) -> QueueRegistration {
        var call = self.runner.call(
            Scripts.queueRegister,
            keys: [
                KeySpace.queueNames(of: queue.project), KeySpace.queuePools(of: queue.project),
                KeySpace.reservations(of: queue.project), KeySpace.pools, KeySpace.poolVersion, KeySpace.poolCounts,
                KeySpace.projects,
            ])
        call.append(queue.name.text)
        call.append(pool?.text ?? "")
        call.append(version.map { String($0.number) } ?? "")
        call.append(keepingReservation ? 1 : 0)
        call.append(queuesMax)
        call.append(queue.project.text)
        var reply = try ReplyReader(try await self.runner.write(call), of: Scripts.queueRegister)
        switch try reply.text() {
        case "at": return .at(try reply.pool())
        case "reserved": return .reserved(try reply.pool())
        case "stale": return .stale
        case "full": return .full
        case let answer: throw .corrupt("queue_register.lua answered \(answer)")
        }
    }

    /// Queues of a project in byte order of their names, behind `after`; `limit` of them unless the list ends before.
    ///
    /// - Parameter metadata: Of these queues, in their order; nil for one that does not exist.
    package func list(
        of project: ProjectID, after: String?, limit: Int,
        reading metadata: ([QueueAddress]) async throws(StoreError) -> [[UInt8]?]
    ) async throws(StoreError) -> [QueueListing] {
        var listings: [QueueListing] = []
        var behind = after
        for _ in 0..<ScriptRunner.roundsMax {
            let wanted = limit - listings.count
            let names = try await self.page(of: project, after: behind, limit: wanted)
            let found = try await metadata(names.map { QueueAddress(project: project, name: $0) })
            for (name, metadata) in zip(names, found) {
                if let metadata { listings.append(QueueListing(name: name, metadata: metadata)) }
            }
            if names.count < wanted || listings.count == limit { return listings }
            behind = names.last?.text
        }
        throw .overloaded
    }

    /// Names greater than `after`, in byte order; they may name queues that do not exist.
    package func page(of project: ProjectID, after: String?, limit: Int) async throws(StoreError) -> [QueueName] {
        var command = RedisCommand("ZRANGEBYLEX", arguments: 6)
        command.append(KeySpace.queueNames(of: project))
        command.append(after.map { "(" + $0 } ?? "-")
        command.append("+")
        command.append("LIMIT")
        command.append(0)
        command.append(limit)
        return try self.names(try await self.runner.send(command))
    }

    private func names(_ reply: RedisValue) throws(StoreError) -> [QueueName] {
        var reply = try ReplyReader(reply, of: "ZRANGEBYLEX")
        var names: [QueueName] = []
        while !reply.isAtEnd {
            do { names.append(try QueueName(try reply.text())) } catch {
                throw .corrupt("a listed queue has no valid name")
            }
        }
        return names
    }

    /// Those of some queues that there are, in byte order of their names, at most so many.
    package func queues(_ some: ChosenQueues, limit: Int) async throws(StoreError) -> [QueueAddress] {
        var command = RedisCommand("ZRANGEBYLEX", arguments: 6)
        command.append(KeySpace.queueNames(of: some.project))
        command.append("[" + some.names.stem)
        // No byte of a name is as great.
        command.append(Array("[\(some.names.stem)".utf8) + (some.names.isPrefix ? [0xFF] : []))
        command.append("LIMIT")
        command.append(0)
        command.append(limit)
        return try self.names(try await self.runner.send(command)).map {
            QueueAddress(project: some.project, name: $0)
        }
    }

    /// How many queues a project has.
    ///
    /// While one is being created or deleted it may count already, or still.
    package func count(of project: ProjectID) async throws(StoreError) -> Int {
        var command = RedisCommand("ZCARD", arguments: 1)
        command.append(KeySpace.queueNames(of: project))
        guard let count = try await self.runner.send(command).int else { throw .corrupt("ZCARD answered no number") }
        return count
    }
}

/// Where a queue lives.
package enum QueueLocation: Sendable, Equatable {
    /// nil: in the default store.
    case at(PoolName?)
    case absent
    /// Nowhere yet, and its name is reserved for this pool.
    case reserved(PoolName?)
}

/// The answer to the registration of a queue.
package enum QueueRegistration: Sendable, Equatable {
    /// It lives there, from now on or since before; nil: in the default store.
    case at(PoolName?)
    /// It lives nowhere, and its name is reserved for this pool.
    case reserved(PoolName?)
    /// The pools have changed since the choice was made.
    case stale
    /// It lives nowhere, and the project has as many queues as it may.
    case full
}

package enum QueueReservation: String, Sendable {
    /// The name is reserved, or the queue lives there already.
    case kept
    /// The queue lives on another pool, or is reserved for one.
    case elsewhere
    /// The pools have changed.
    case stale
}

extension ReplyReader {
    /// A pool; nil for the default store.
    mutating func pool() throws(StoreError) -> PoolName? {
        let text = try self.text()
        guard !text.isEmpty else { return nil }
        do { return try PoolName(text) } catch { throw self.unexpected("pool") }
    }
}
