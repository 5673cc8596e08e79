package import Domain
import Store

/// Moves queues from one pool to another while they are used.
///
/// ```
///   hold      deliveries wait, and those under way end       │ posts, claims and reads go on
///   close     ─────────────────────────────────────────────────────────────────────────────
///   copy      messages, claims, subscriptions, what waits    │ calls wait, at most ten seconds
///   commit    ─────────────────────────────────────────────────────────────────────────────
///   open      on the target                                  │ calls go on there
///   clean     the source                                     │
/// ```
/// Positions stay as they are, so order, ids and markers do. Queues that dead letters go between move together. Until `commit` a
/// mover that ends leaves a queue that is opened where it was; from then on one that is opened where it goes (``MoveRecovery``).
package struct QueueMover: Sendable {
    /// How long attempts under way, and what else hinders a queue from being closed, are waited for.
    package var timeout: Duration
    private let directory: PoolDirectory
    /// Of no other move.
    private let mark = RegisteredProcess.newID()

    private static let retryInterval = Duration.milliseconds(50)
    private static let collisionInterval = Duration.milliseconds(500)
    /// Deliveries of subscriptions that come meanwhile are held by the next look.
    private static let looksPerHold = 10

    package init(_ directory: PoolDirectory, timeout: Duration = .seconds(90)) {
        self.directory = directory
        self.timeout = timeout
    }

    /// Moves queues of one project, all of them or none.
    ///
    /// - Parameters:
    ///   - queues: With all queues that their dead letters go to or come from, see ``QueueGroups``.
    ///   - source: Where they live; nil: the default store.
    /// - Throws: ``MoveFailure``, and ``StoreError`` where a store is away: what is open then was opened by this, or is by
    ///   ``MoveRecovery`` within seconds.
    package func move(_ queues: [QueueAddress], from source: PoolName?, to target: PoolName?) async throws {
        guard source != target, let first = queues.first else { return }
        try await self.directory.refresh()
        let table = self.directory.table
        guard let left = table.connected[source], let come = table.connected[target] else {
            throw MoveFailure.noPool((table.connected[source] == nil ? source : target)?.text ?? "default")
        }
        let (from, to) = (try await left.store(), try await come.store())
        let (notes, version) = (self.directory.defaultStore.moveNotes, table.snapshot.version)
        if let old = [self.directory.defaultStore, from, to].map(\.format).min(), old < StoreFormat.ofMoves {
            throw MoveFailure.format(old)
        }
        guard to.format >= from.format else { throw MoveFailure.formatOlder(to.format, than: from.format) }
        guard from.sharesIDs(with: to) else { throw MoveFailure.idsDiffer }
        switch try await notes.begin(queues, from: source, to: target, by: self.mark, version) {
        case .begun: break
        case .stale: throw MoveFailure.changed
        case .elsewhere(let queue): throw MoveFailure.absent(queue)
        case .busy(let queue): throw MoveFailure.busy(queue)
        }
        // Two pools may be one Redis, also by other URLs: then nothing is copied.
        let isCopied = !from.isSame(as: to)
        try await MoveNoteKeeper.keeping(notes, of: queues, by: self.mark) { keeper in
            do {
                if isCopied { try await self.copyAtLast(queues, from: from, to: to, keeper.check) }
                try keeper.check()
                switch try await notes.commit(queues, from: source, to: target, by: self.mark, version) {
                case .committed: break
                case .stale, .lost: throw MoveFailure.changed
                }
            } catch {
                // Whatever was answered: what is decided is finished, and everything else undone.
                try keeper.check()
                guard try await notes.note(of: first)?.phase == .committed else {
                    for queue in queues {
                        if isCopied { try await self.undo(queue, from, to, keeper.check) }
                        try await keeper.end(queue)
                    }
                    throw error
                }
            }
            for queue in queues {
                if isCopied {
                    try await MoveSteps.open(
                        queue, from: from.closedQueues, in: to.closedQueues, check: keeper.check)
                }
                try keeper.check()
                _ = try await notes.hold(queue, by: self.mark, as: .cleaning)
                self.directory.cache.remove(queue)
            }
            for queue in queues {
                if isCopied { try await MoveSteps.clean(queue, in: from.closedQueues, check: keeper.check) }
                try await keeper.end(queue)
            }
        }
    }

    private func undo(
        _ queue: QueueAddress, _ from: Store, _ to: Store, _ check: () throws -> Void
    ) async throws {
        try await MoveSteps.undo(
            queue, mark: self.mark, from: from.closedQueues, to: to.closedQueues, check: check)
    }

    /// Copies queues; where a position collides, again once what waits had some time to be delivered.
    private func copyAtLast(
        _ queues: [QueueAddress], from: Store, to: Store, _ check: @escaping @Sendable () throws -> Void
    ) async throws {
        let end = ContinuousClock.now + self.timeout
        while true {
            do {
                return try await self.copy(queues, from: from, to: to, check)
            } catch MoveFailure.collision(let queue) {
                guard ContinuousClock.now < end else { throw MoveFailure.collision(queue) }
            }
            for queue in queues { try await self.undo(queue, from, to, check) }
            try await Task.sleep(for: Self.collisionInterval)
        }
    }

    private func copy(
        _ queues: [QueueAddress], from: Store, to: Store, _ check: @escaping @Sendable () throws -> Void
    ) async throws {
        for queue in queues {
            guard try await from.closedQueues.hold(queue) else { throw Self.hindered(queue, .unread) }
        }
        let closings = try await self.close(queues, in: from.closedQueues, check)
        // It was given another one since the group was found.
        for target in closings.compactMap(\.deadLetterQueue) where !queues.contains(target) {
            throw MoveFailure.changed
        }
        for (queue, closing) in zip(queues, closings) {
            guard try await to.closedQueues.bar(queue, mark: self.mark, closing, isCopied: false) else {
                throw MoveFailure.occupied(queue.name)
            }
            do {
                try await QueueCopy(of: queue, from: from.closedQueues, to: to.closedQueues, check: check).run()
            } catch is QueueCopy.Collision {
                throw MoveFailure.collision(queue.name)
            }
            // A server that fails over may forget that a queue was closed, or what was copied.
            guard try await from.closedQueues.mark(of: queue) == self.mark,
                try await to.closedQueues.bar(queue, mark: self.mark, closing, isCopied: true)
            else { throw MoveFailure.changed }
        }
    }

    /// Closes all of them at one time; while one cannot be closed the others stay open.
    private func close(
        _ queues: [QueueAddress], in store: ClosedQueues, _ check: () throws -> Void
    ) async throws -> [ClosedQueues.Closing] {
        let end = ContinuousClock.now + self.timeout
        var looks = 0
        while true {
            var closings: [ClosedQueues.Closing] = []
            closing: for queue in queues {
                try check()
                switch try await store.close(queue, mark: self.mark) {
                case .success(let closing): closings.append(closing)
                case .failure(let hindrance):
                    guard hindrance != .unread, ContinuousClock.now < end else { throw Self.hindered(queue, hindrance) }
                    break closing
                }
            }
            if closings.count == queues.count { return closings }
            for queue in queues.prefix(closings.count) {
                try check()
                try await store.open(queue, mark: self.mark, isNew: false)
            }
            try await Task.sleep(for: Self.retryInterval)
            looks += 1
            // Deliveries of subscriptions that came meanwhile, and of those that were open again.
            if looks.isMultiple(of: Self.looksPerHold) {
                for queue in queues { _ = try await store.hold(queue) }
            }
        }
    }

    private static func hindered(_ queue: QueueAddress, _ hindrance: ClosedQueues.Hindrance) -> MoveFailure {
        let words =
            switch hindrance {
            case .attempts: "attempts under way did not end"
            case .fanout: "messages that were posted are not fanned out: does a notifier run?"
            case .moves: "messages on their way to a dead-letter queue did not arrive"
            case .unread: "a newer version of Herald wrote how one of its subscriptions is served"
            }
        return .hindered(queue.name, words)
    }
}
