internal import NIOConcurrencyHelpers
internal import Synchronization

/// A value that tells one store from another: written once, and gone when the server loses its data.
package struct RedisIdentity: Sendable, Equatable {
    package let key: RedisKey
    package let value: [UInt8]
    /// Whether its server also has to sync what it writes before it acknowledges that; one that does not is left.
    package let syncsAlways: Bool

    package init(key: RedisKey, value: [UInt8], syncsAlways: Bool = false) {
        self.key = key
        self.value = value
        self.syncsAlways = syncsAlways
    }

    /// Reads the value again.
    var command: EncodedCommand {
        var command = RedisCommand("GET", arguments: 1)
        command.append(self.key)
        return command.encoded
    }
}

/// What the connections of one client have in common: the server they lead to, and the store they expect there.
///
/// An epoch is the time during which the server held one store. Commands carry the epoch they belong to, and those of
/// another are not sent: nothing that was made for a store that is gone reaches the next one.
final class ServerWatch: Sendable {
    /// The epoch of a command that goes to any store.
    static let anyEpoch = 0

    private struct State {
        var connections: [RedisConnection] = []
        var identity: RedisIdentity?
    }

    private let state = NIOLockedValueBox(State())
    private let current = Atomic<Int>(ServerWatch.anyEpoch)

    /// 0 before the first identity; it only grows.
    var epoch: Int { self.current.load(ordering: .acquiring) }

    /// nil: any store will do.
    var identity: RedisIdentity? { self.state.withLockedValue { $0.identity } }

    func serves(_ epoch: Int) -> Bool { epoch == Self.anyEpoch || epoch == self.epoch }

    func set(_ connections: [RedisConnection]) {
        self.state.withLockedValue { $0.connections = connections }
    }

    /// Expects a store from now on.
    ///
    /// - Returns: Its epoch; the present one if the store is expected already.
    func adopt(_ identity: RedisIdentity) -> Int {
        self.state.withLockedValue { state in
            if state.identity != identity {
                state.identity = identity
                self.current.wrappingAdd(1, ordering: .acquiringAndReleasing)
            }
            return self.epoch
        }
    }

    /// The expected store is not there any more.
    ///
    /// - Returns: Whether this was not known before.
    func lose(_ identity: RedisIdentity) -> Bool {
        self.state.withLockedValue { state in
            guard state.identity == identity else { return false }
            state.identity = nil
            self.current.wrappingAdd(1, ordering: .acquiringAndReleasing)
            return true
        }
    }

    /// The server cannot be used: every connection to it is given up, and asks for its address again.
    func leave(_ reason: ServerUnusable) {
        for connection in self.state.withLockedValue({ $0.connections }) { connection.leave(reason) }
    }

    /// The master is at an address now: every connection that leads to another is given up.
    func move(to address: RedisEndpoint.Address) {
        for connection in self.state.withLockedValue({ $0.connections }) { connection.leave(unlessAt: address) }
    }
}

/// A server answered that it cannot be used as things are, or not by us.
///
/// Only the leading word of its message is kept: "unknown command" repeats the arguments, and those of `AUTH` are secret.
struct ServerUnusable: Error, Equatable {
    /// The step of the handshake or probe it was the answer to; nil: a caller's command.
    let step: Handshake.Step?
    let code: String

    /// It is not the master any more, says who should know.
    static let replaced = ServerUnusable(step: nil, code: Handshake.replica)

    /// What commands fail with that are not sent for it.
    var absence: RedisError.NotSent {
        switch self.code {
        case Handshake.replica, "READONLY", "MASTERDOWN", "UNBLOCKED": .replica
        case "LOADING": .loading
        default: .disconnected
        }
    }

    /// What the source of addresses is given.
    var lossReason: ConnectionLoss.Reason {
        switch self.code {
        case Handshake.replica, "READONLY", "MASTERDOWN", "UNBLOCKED": .notMaster
        case "MOVED", "CLUSTERDOWN": .slotMoved
        default: .refused
        }
    }
}
