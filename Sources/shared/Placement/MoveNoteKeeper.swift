import Domain
import NIOConcurrencyHelpers
import Store

/// Prolongs the notes of queues that move for as long as something is done with them, and knows when another process may have taken
/// them over.
final class MoveNoteKeeper: Sendable {
    /// How long after the last prolongation the notes surely count: less than their life by what one command may take.
    private static let certainty = Duration.seconds(8)

    private struct State {
        var queues: [QueueAddress]
        var keptAt = ContinuousClock.now
        var isLost = false
    }

    private let notes: MoveNotes
    private let mark: String
    private let state: NIOLockedValueBox<State>

    /// - Parameter queues: Whose notes are this mover's, from a moment ago.
    private init(_ notes: MoveNotes, of queues: [QueueAddress], by mark: String) {
        self.notes = notes
        self.mark = mark
        self.state = NIOLockedValueBox(State(queues: queues))
    }

    /// Prolongs the notes while the body runs.
    static func keeping(
        _ notes: MoveNotes, of queues: [QueueAddress], by mark: String, _ body: (MoveNoteKeeper) async throws -> Void
    ) async throws {
        let keeper = MoveNoteKeeper(notes, of: queues, by: mark)
        let beat = Task {
            while !Task.isCancelled {
                // Cancelled while sleeping: the loop's condition sees it.
                try? await Task.sleep(for: MoveNotes.beat)
                await keeper.prolong()
            }
        }
        defer { beat.cancel() }
        try await body(keeper)
    }

    /// - Throws: ``MoveFailure/changed`` once another process may go on with one of the queues.
    var check: @Sendable () throws -> Void {
        {
            let isKept = self.state.withLockedValue { state in
                !state.isLost && ContinuousClock.now - state.keptAt < Self.certainty
            }
            guard isKept else { throw MoveFailure.changed }
        }
    }

    /// Removes the note of a queue, whose move has ended.
    func end(_ queue: QueueAddress) async throws {
        self.state.withLockedValue { $0.queues.removeAll { $0 == queue } }
        try await self.notes.end(queue, by: self.mark)
    }

    private func prolong() async {
        let start = ContinuousClock.now
        do {
            for queue in self.state.withLockedValue({ $0.queues }) {
                guard try await self.notes.hold(queue, by: self.mark) == nil else { continue }
                // One that has ended meanwhile is no loss.
                self.state.withLockedValue { state in
                    if state.queues.contains(queue) { state.isLost = true }
                }
            }
            self.state.withLockedValue { $0.keptAt = start }
        } catch {
            // The next beat tries again; `check` says when it was too long.
        }
    }
}
