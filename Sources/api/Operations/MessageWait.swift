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
    /// Of a request that waits more than once; nil: it gets one for this time.
    let place: QueueWait?
    /// Asks whether the request may still have what it waits for, before it looks again; throws when it may not.
    let hold: Hold

    package typealias Hold = @Sendable () async throws -> Void

    /// - Parameter seconds: From now on; nil or 0: it does not wait.
    /// - Throws: ``Refusal/requestInvalid(_:)`` unless it is 0 through ``secondsMax``.
    package init?(
        seconds: Int?, _ turn: ProjectTurn, at place: QueueWait? = nil, hold: @escaping Hold
    ) throws(Refusal) {
        guard let seconds else { return nil }
        guard (0...Self.secondsMax).contains(seconds) else {
            throw Operations.outOfRange("wait", 0...Self.secondsMax)
        }
        if seconds == 0 { return nil }
        self.deadline = .now() + .seconds(Int64(seconds))
        self.turn = turn
        self.place = place
        self.hold = hold
    }
}

extension Operations {
    /// Looks for something in a queue, and where there is nothing as often as there may be.
    func found<Found>(
        in queue: QueueAddress, of store: Store, to use: QueueWaits.Use, _ wait: MessageWait?,
        _ look: () async throws -> Found?
    ) async throws -> Found? {
        if wait?.place == nil {
            let found = try await look()
            guard found == nil, wait != nil else { return found }
        }
        guard let wait else { return nil }
        var store = store
        while true {
            let place: QueueWait
            if let own = wait.place, own.isIn(store) {
                place = own
            } else {
                place = try self.waits.begin(for: queue, in: store, to: use)
            }
            let found = try await place.found(wait, unless: { try await !place.isIn(self.store(of: queue)) }, look)
            guard found == nil, !Task.isCancelled, .now() < wait.deadline else { return found }
            store = try await self.store(of: queue)
            guard !place.isIn(store) else { return nil }
        }
    }
}
