import NIOConcurrencyHelpers

/// What one exchange may cost the process, and what is kept of its response.
package struct HTTPClientLimits: Sendable, Equatable {
    /// Name, connection and TLS together.
    package var connectTimeout: Duration = .seconds(5)
    /// The whole exchange, from the first look at the name to the last byte of the response.
    package var timeout: Duration = .seconds(30)
    /// Requests under way at once; connections, kept ones included, stay below it too.
    package var transfersMax = 8192
    /// For how long an address is used that a name once had: a connection is kept no longer than this, however busy, less
    /// the time for which names are kept.
    ///
    /// From 2 s; so soon a server that moved is found, and a name that leads elsewhere is judged by the egress policy.
    package var addressAgeMax: Duration = .seconds(60)
    /// Bytes read of a response's body; beyond them the exchange ends, and its response counts as it came until then.
    package var bodyReadMax = 65_536
    /// Bytes kept of a response's body.
    package var bodyKeptMax = 0
    /// The names of the fields that are kept of a response's head, in lower case.
    package var fieldsKept: [String] = []

    package init() {}

    /// How long the addresses of a name are used while its name server does not answer: a third of ``addressAgeMax``.
    var namesUsableMax: Duration { self.addressAgeMax / 3 }

    /// Seconds after which libcurl, which compares whole seconds, does not use a connection again.
    var connectionSecondsMax: Int {
        max(1, (self.addressAgeMax - self.namesUsableMax).milliseconds / 1000 - 1)
    }

    /// Lines and bytes read of the heads of a response: informational ones and trailers included, the blank lines between
    /// them not counted; beyond them the exchange fails.
    ///
    /// libcurl keeps every line it has read until the transfer ends, and the one it is reading, up to 100 KiB of it. That
    /// and these two bound what a head costs in memory to 128 KiB a transfer.
    static let headLinesMax = 100
    static let headBytesMax = 16_384
    /// Seconds a kept connection may be idle and still be used.
    ///
    /// Short, since every second makes it likelier that the server has closed it, and that a request sent into it has to
    /// be sent again.
    static let idleSecondsMax = 15
    /// Seconds for which a file of authorities that was read is used, so that a change of it is soon in force.
    static let authoritiesSecondsMax = 60
    /// How long the addresses of a name are used without another look.
    static let namesFreshMax = Duration.seconds(5)
}

extension Duration {
    /// Whole milliseconds, as libcurl counts.
    var milliseconds: Int {
        Int(self.components.seconds) * 1000 + Int(self.components.attoseconds / 1_000_000_000_000_000)
    }
}

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
