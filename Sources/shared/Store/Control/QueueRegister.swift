package import Domain
import Redis

/// The lists of queue names of all projects, and which pool each queue lives on.
///
/// They lie in the control store, apart from the queues. The register may name a queue that is not there; whoever reads
/// it looks.
///
/// Of a queue that is made both are written before it, so that none exists unseen, and again after it, so that a
/// deletion that came between cannot hide it.
struct QueueRegister: Sendable {
    /// Over the control store.
    let runner: ScriptRunner
    /// The pools that are this store, nil for the default one; the first is where a queue is entered that is nowhere.
    ///
    /// Empty: a store that enters nothing.
    let homes: [PoolName?]
    /// The version of the pools by which a queue that is nowhere may be entered here; nil: by any.
    let version: PoolVersion?

    /// Enters a queue that is about to be made here.
    ///
    /// - Throws: ``StoreError/misplaced`` when it lives elsewhere, or the pools are others than the caller knew.
    func add(_ queue: QueueAddress) async throws(StoreError) {
        try await self.enter(queue, by: self.version)
    }

    /// Enters a queue that was made here.
    ///
    /// - Throws: ``StoreError/misplaced`` when it was deleted, and made elsewhere, meanwhile.
    func keep(_ queue: QueueAddress) async throws(StoreError) {
        try await self.enter(queue, by: nil)
    }

    private func enter(_ queue: QueueAddress, by version: PoolVersion?) async throws(StoreError) {
        guard let home = self.homes.first else { return }
        switch try await self.enter(queue, at: home, by: version, keepingReservation: false) {
        case .at(let pool): guard self.homes.contains(pool) else { throw .misplaced }
        case .reserved, .stale: throw .misplaced
        }
    }

    /// Decides where a queue lives, unless that is decided.
    ///
    /// - Parameters:
    ///   - version: Of the pools `pool` was chosen from; nil: `pool` is a fact.
    ///   - keepingReservation: A queue that is kept for another pool is not entered at this one.
    func enter(
        _ queue: QueueAddress, at pool: PoolName?, by version: PoolVersion?, keepingReservation: Bool
    ) async throws(StoreError) -> QueueEntry {
        var call = self.runner.call(
            Scripts.queueRegister,
            keys: [
                KeySpace.queueNames(of: queue.project), KeySpace.queuePools(of: queue.project),
                KeySpace.reservations(of: queue.project), KeySpace.pools, KeySpace.poolVersion, KeySpace.poolCounts,
            ])
        call.append(queue.name.text)
        call.append(pool?.text ?? "")
        call.append(version.map { String($0.number) } ?? "")
        call.append(keepingReservation ? 1 : 0)
        var reply = try ReplyReader(try await self.runner.run(call), of: Scripts.queueRegister)
        switch try reply.text() {
        case "at": return .at(try reply.pool())
        case "reserved": return .reserved(try reply.pool())
        case "stale": return .stale
        case let answer: throw .corrupt("queue_register.lua answered \(answer)")
        }
    }

    /// Strikes out a queue that was deleted here; one that lives elsewhere stays.
    func remove(_ queue: QueueAddress) async throws(StoreError) {
        guard !self.homes.isEmpty else { return }
        var call = self.runner.call(
            Scripts.queueUnregister,
            keys: [
                KeySpace.queueNames(of: queue.project), KeySpace.queuePools(of: queue.project), KeySpace.pools,
                KeySpace.poolCounts,
            ])
        call.append(queue.name.text)
        for home in self.homes { call.append(home?.text ?? "") }
        _ = try await self.runner.run(call)
    }

    /// Names greater than `after`, in byte order.
    func page(of project: ProjectID, after: String?, limit: Int) async throws(StoreError) -> [QueueName] {
        var command = RedisCommand("ZRANGEBYLEX", arguments: 6)
        command.append(KeySpace.queueNames(of: project))
        command.append(after.map { "(" + $0 } ?? "-")
        command.append("+")
        command.append("LIMIT")
        command.append(0)
        command.append(limit)
        var reply = try ReplyReader(try await self.runner.send(command), of: "ZRANGEBYLEX")
        var names: [QueueName] = []
        while !reply.isAtEnd {
            do { names.append(try QueueName(try reply.text())) } catch {
                throw .corrupt("a listed queue has no valid name")
            }
        }
        return names
    }

    func count(of project: ProjectID) async throws(StoreError) -> Int {
        var command = RedisCommand("ZCARD", arguments: 1)
        command.append(KeySpace.queueNames(of: project))
        guard let count = try await self.runner.send(command).int else { throw .corrupt("ZCARD answered no number") }
        return count
    }
}

/// What the register says of a queue that is to be entered.
package enum QueueEntry: Sendable, Equatable {
    /// It lives there, from now on or since before; nil: in the default store.
    case at(PoolName?)
    /// It lives nowhere, and is kept for this pool.
    case reserved(PoolName?)
    /// The pools have changed since the choice was made.
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
