package import Domain
import NIOCore
import Store

/// For how long a request waits for messages where there are none.
package struct MessageWait: Sendable {
    /// Longer ones would exceed the timeouts of many proxies and clients.
    package static let secondsMax = 20

    let deadline: NIODeadline
    /// Of the request, which gives it up while it waits.
    let turn: ProjectTurn

    /// - Parameter seconds: From now on; nil or 0: it does not wait.
    /// - Throws: ``Refusal/requestInvalid(_:)`` unless it is 0 through ``secondsMax``.
    package init?(seconds: Int?, _ turn: ProjectTurn) throws(Refusal) {
        guard let seconds else { return nil }
        guard (0...Self.secondsMax).contains(seconds) else {
            throw Operations.outOfRange("wait", 0...Self.secondsMax)
        }
        if seconds == 0 { return nil }
        self.deadline = .now() + .seconds(Int64(seconds))
        self.turn = turn
    }
}

extension Operations {
    /// Looks for something in a queue, and where there is nothing as often as there may be.
    func found<Found>(
        in queue: QueueAddress, of store: Store, to use: QueueWaits.Use, _ wait: MessageWait?,
        _ look: () async throws -> Found?
    ) async throws -> Found? {
        let found = try await look()
        guard found == nil, let wait else { return found }
        return try await self.waits.wait(for: queue, in: store, to: use, until: wait.deadline, wait.turn, look)
    }
}
