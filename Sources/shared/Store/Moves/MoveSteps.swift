package import Domain

/// How a move is undone before it is decided, and finished after it: by its mover, or by another process once that has ended.
///
/// Each may be repeated from its beginning, wherever the one before stopped.
package enum MoveSteps {
    /// Undoes a move that was not decided.
    ///
    /// - Parameter target: nil where it cannot be reached: what was copied there is removed by the next move of the queue.
    package static func undo(_ queue: QueueAddress, from source: ClosedQueues, to target: ClosedQueues?) async throws {
        let mark = try await source.mark(of: queue)
        if let target {
            try await source.eachPage(of: queue) { try await target.discard($0, of: queue, areCounted: false) }
            try await target.drop(queue, wasServed: false)
        }
        if let mark { try await source.open(queue, mark: mark, isNew: false) }
        try await source.eachPage(of: queue) { try await source.admit($0, of: queue, areNew: false) }
    }

    /// Opens a queue on the pool it was moved to, and goes on with its subscriptions there.
    package static func open(_ queue: QueueAddress, from source: ClosedQueues, in target: ClosedQueues) async throws {
        if let mark = try await target.mark(of: queue) { try await target.open(queue, mark: mark, isNew: true) }
        try await target.eachPage(of: queue) { try await target.admit($0, of: queue, areNew: true) }
        try await QueueCopy(of: queue, from: source, to: target, check: {}).moveQuestions()
    }

    /// Removes what is left of a moved queue where it was.
    package static func clean(_ queue: QueueAddress, in source: ClosedQueues) async throws {
        try await source.eachPage(of: queue) { try await source.discard($0, of: queue, areCounted: true) }
        try await source.drop(queue, wasServed: true)
    }
}
