package import Domain

/// How a move is undone before it is decided, and finished after it: by its mover, or by another process once that has ended.
///
/// Each may be repeated from its beginning, wherever the one before stopped. Each asks `check` before each page, which throws where the
/// move is another process's by now.
package enum MoveSteps {
    /// Undoes a move that was not decided: first the queue is opened where it was.
    ///
    /// - Parameters:
    ///   - own: The mark of the move; nil: whichever it has.
    ///   - target: nil where there is none any more.
    package static func undo(
        _ queue: QueueAddress, mark own: String? = nil, from source: ClosedQueues, to target: ClosedQueues?,
        check: () throws -> Void = {}
    ) async throws {
        try check()
        if let mark = try await source.mark(of: queue), own == nil || mark == own {
            try await source.open(queue, mark: mark, isNew: false)
        }
        try await source.eachPage(of: queue) { page in
            try check()
            try await source.admit(page, of: queue, areNew: false)
        }
        guard let target else { return }
        try await target.eachPage(of: queue) { page in
            try check()
            try await target.discard(page, of: queue, areCounted: false)
        }
        try check()
        try await target.drop(queue, wasServed: false)
    }

    /// Opens a queue on the pool it was moved to, and goes on with its subscriptions there.
    ///
    /// - Parameter source: nil where there is none any more: confirmations that wait for their minute are lost with it.
    package static func open(
        _ queue: QueueAddress, from source: ClosedQueues?, in target: ClosedQueues,
        check: @escaping @Sendable () throws -> Void = {}
    ) async throws {
        try check()
        if let mark = try await target.mark(of: queue) { try await target.open(queue, mark: mark, isNew: true) }
        try await target.eachPage(of: queue) { page in
            try check()
            try await target.admit(page, of: queue, areNew: true)
        }
        if let source { try await QueueCopy(of: queue, from: source, to: target, check: check).moveQuestions() }
    }

    /// Removes what is left of a moved queue where it was.
    package static func clean(
        _ queue: QueueAddress, in source: ClosedQueues, check: () throws -> Void = {}
    ) async throws {
        try await source.eachPage(of: queue) { page in
            try check()
            try await source.discard(page, of: queue, areCounted: true)
        }
        try check()
        try await source.drop(queue, wasServed: true)
    }
}
