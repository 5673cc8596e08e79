import NIOConcurrencyHelpers

/// How many connections one client may have, kept ones included; changed while it runs.
package final class ConnectionShare: Sendable {
    private struct State {
        var max: Int
        weak var event: EventFD?
    }

    private let state: NIOLockedValueBox<State>

    package init(_ max: Int) {
        self.state = NIOLockedValueBox(State(max: max))
    }

    /// What the client keeps to from its next turn on; connections above it that are kept are closed then.
    package var max: Int {
        get { self.state.withLockedValue { $0.max } }
        set {
            let event = self.state.withLockedValue { state in
                state.max = newValue
                return state.event
            }
            event?.signal()
        }
    }

    /// Has each change signalled to the client.
    func signals(_ event: EventFD) { self.state.withLockedValue { $0.event = event } }
}
