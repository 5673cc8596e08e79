import Domain
import NIOConcurrencyHelpers
import Redis
import Store
import TestKit

/// Two stores between which all queues move at every sweep.
struct MovingSubject: StorageSubject {
    private struct State {
        var location = 0
        var begun = 0
        var moves = 0
        /// Every queue that was ever seen.
        var known: Set<QueueAddress> = []
    }

    private let places: [TestStore]
    private let state = NIOLockedValueBox(State())

    init(_ places: [TestStore]) { self.places = places }

    /// How often queues moved, and whether they were to.
    var moves: Int { self.state.withLockedValue { $0.moves } }
    var wasSwept: Bool { self.state.withLockedValue { $0.begun > 0 } }

    private var location: TestStore { self.places[self.state.withLockedValue { $0.location }] }

    var queues: any QueueStorage { self.location.queues }
    var messages: any MessageStorage { self.location.messages }
    var claims: any ClaimStorage { self.location.claims }
    var time: MovableTime { self.location.time }

    func sweep(limit: Int) async throws {
        try await self.location.sweep(limit: limit)
        try await self.move()
    }

    func sweepAll() async throws {
        for place in self.places { try await place.sweepAll() }
    }

    func leftovers() async throws -> [String] {
        var left: [String] = []
        for place in self.places {
            for key in try await place.keys().filter({ $0.hasPrefix("herald:{s") })
            where !key.hasSuffix(":moves") && !key.hasSuffix(":meta") {
                // A text is the last position, or bars a queue that moved away.
                if try await place.command("TYPE", key).text != "string" { left.append(key) }
            }
        }
        return left
    }

    var movesInTwoSteps: Bool { true }

    func interruptingMoves<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await self.location.interruptingMoves(body)
    }

    func finishMoves(again: Bool) async throws { try await self.location.finishMoves(again: again) }

    /// Moves every queue to the other store, as `QueueMover` does.
    private func move() async throws {
        let found = try await self.location.keys().compactMap(Self.queue)
        let (location, known) = self.state.withLockedValue { state in
            state.known.formUnion(found)
            state.begun += 1
            return (state.location, state.known)
        }
        let (from, to) = (self.places[location].store.closedQueues, self.places[1 - location].store.closedQueues)
        let mark = "\(self.state.withLockedValue { $0.begun })"
        var closings: [QueueAddress: ClosedQueues.Closing] = [:]
        for queue in known {
            guard case .success(let closing) = try await from.close(queue, mark: mark) else {
                for queue in known { try await MoveSteps.undo(queue, from: from, to: to) }
                return
            }
            closings[queue] = closing
        }
        for (queue, closing) in closings {
            guard try await to.bar(queue, mark: mark, closing, isCopied: false) else {
                throw StoreError.corrupt("a queue lives in both stores")
            }
            try await QueueCopy(of: queue, from: from, to: to, check: {}).run()
            _ = try await to.bar(queue, mark: mark, closing, isCopied: true)
        }
        for queue in known {
            try await MoveSteps.open(queue, from: from, in: to)
            try await MoveSteps.clean(queue, in: from)
        }
        self.state.withLockedValue { state in
            state.location = 1 - location
            state.moves += known.isEmpty ? 0 : 1
        }
    }

    /// The queue whose hash a key is.
    private static func queue(_ key: String) -> QueueAddress? {
        let parts = key.split(separator: ":", maxSplits: 3)
        guard parts.count == 4, parts[2] == "queue", key.hasSuffix(":meta") else { return nil }
        return QueueAddress(key: String(parts[3].dropLast(":meta".count)))
    }
}
