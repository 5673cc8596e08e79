import Domain
package import Logging
import Runtime
import ServiceLifecycle
import Store

/// Ends the moves whose movers have ended: undoes those that were not decided, and finishes the others.
///
/// Every API process looks every few seconds; the first that takes a move over ends it.
package struct MoveRecovery: Service {
    private static let interval = Duration.seconds(2)

    private let directory: PoolDirectory
    /// Of no mover.
    private let mark = RegisteredProcess.newID()
    private let logger: Logger

    package init(_ directory: PoolDirectory, logger: Logger) {
        self.directory = directory
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await self.recover()
                } catch {
                    self.logger.debug("Moves of queues cannot be looked at now", metadata: [LogKey.error: "\(error)"])
                }
                // Cancelled while sleeping: the loop's condition sees it.
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// Ends every move whose mover has ended, as far as the stores answer that it needs.
    package func recover() async throws {
        let notes = self.directory.defaultStore.moveNotes
        for queue in try await notes.queues() {
            guard let note = try await notes.hold(queue, by: self.mark) else { continue }
            do {
                try await MoveNoteKeeper.keeping(notes, of: [queue], by: self.mark) { keeper in
                    try await self.end(note, keeper)
                }
            } catch {
                self.logger.debug(
                    "A move that was cut off cannot be ended now",
                    metadata: [LogKey.queueName: "\(queue.name)", LogKey.error: "\(error)"])
            }
        }
    }

    private func end(_ note: MoveNotes.Note, _ keeper: MoveNoteKeeper) async throws {
        let (queue, table) = (note.queue, self.directory.table)
        let (left, come) = (table.connected[note.source], table.connected[note.target])
        switch note.phase {
        case .copying:
            // Without its pool there is nothing of it to open.
            if let from = try await left?.store() {
                let target: Store?
                // What is on a pool that does not answer is removed once it does; the queue is open before.
                do { target = try await come?.store() } catch {
                    try await MoveSteps.undo(queue, from: from.closedQueues, to: nil, check: keeper.check)
                    throw error
                }
                let isCopied = target.map { !$0.isSame(as: from) } ?? true
                if isCopied {
                    try await MoveSteps.undo(
                        queue, from: from.closedQueues, to: target?.closedQueues, check: keeper.check)
                }
            }
        case .committed, .cleaning:
            guard let to = try await come?.store() else { throw StoreError.misplaced }
            var from: Store?
            do { from = try await left?.store() } catch {
                try await MoveSteps.open(queue, from: nil, in: to.closedQueues, check: keeper.check)
                throw error
            }
            if from.map({ !$0.isSame(as: to) }) ?? true {
                try await MoveSteps.open(queue, from: from?.closedQueues, in: to.closedQueues, check: keeper.check)
                try keeper.check()
                _ = try await self.directory.defaultStore.moveNotes.hold(queue, by: self.mark, as: .cleaning)
                if let from { try await MoveSteps.clean(queue, in: from.closedQueues, check: keeper.check) }
            }
        }
        try await keeper.end(queue)
        self.directory.cache.remove(queue)
        self.logger.notice(
            "A move of a queue was cut off, and is ended",
            metadata: [
                LogKey.projectID: "\(queue.project)", LogKey.queueName: "\(queue.name)",
                LogKey.pool: "\((note.phase == .copying ? note.source : note.target)?.text ?? "default")",
            ])
    }
}
