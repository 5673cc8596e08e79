import Domain
import NIOConcurrencyHelpers
import Operations

/// What a session counts as: a connection of one project, from its identity on, or where nothing is authenticated from its first
/// request on.
final class SessionSlot: Sendable {
    private struct State {
        var connection: ProjectConnection?
        var isOver = false
    }

    private let state = NIOLockedValueBox(State())

    /// nil while it counts for none.
    var project: ProjectID? { self.state.withLockedValue { $0.connection?.project } }

    /// Counts as this one from now on, and no more as that before.
    func take(_ connection: ProjectConnection) {
        let before = self.state.withLockedValue { state in
            defer { if !state.isOver { state.connection = connection } }
            return state.connection
        }
        // Released here, outside of the lock.
        _ = before
    }

    /// The session has ended.
    func end() {
        let before = self.state.withLockedValue { state in
            defer { state = State(connection: nil, isOver: true) }
            return state.connection
        }
        // Released here, outside of the lock.
        _ = before
    }
}
