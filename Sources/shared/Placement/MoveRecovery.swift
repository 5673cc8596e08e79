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

    /// Ends every move whose mover has ended.
    package func recover() async throws {
        let notes = self.directory.defaultStore.moveNotes
        for queue in try await notes.queues() {
            guard let note = try await notes.hold(queue, by: self.mark) else { continue }
            let table = self.directory.table
            guard let from = try await table.connected[note.source]?.store().closedQueues else { continue }
            let to = table.connected[note.target]
            let isCopied = to?.connection !== table.connected[note.source]?.connection
            switch note.phase {
            case .copying:
                if isCopied { try await MoveSteps.undo(queue, from: from, to: try await to?.store().closedQueues) }
            case .committed, .cleaning:
                guard let to = try await to?.store().closedQueues else { continue }
                if isCopied {
                    try await MoveSteps.open(queue, from: from, in: to)
                    _ = try await notes.hold(queue, by: self.mark, as: .cleaning)
                    try await MoveSteps.clean(queue, in: from)
                }
            }
            try await notes.end(queue, by: self.mark)
            self.directory.cache.remove(queue)
            self.logger.notice(
                "A move of a queue was cut off, and is ended",
                metadata: [
                    LogKey.projectID: "\(queue.project)", LogKey.queueName: "\(queue.name)",
                    LogKey.pool: "\((note.phase == .copying ? note.source : note.target)?.text ?? "default")",
                ])
        }
    }
}
